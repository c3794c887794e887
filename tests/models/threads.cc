// Models and kernels on one set of threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/threads.h"

#include <ATen/Parallel.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "kernels/threads.h"

using namespace vtok;

namespace {

/// True where `count` tasks are under way at the same time.
bool side_by_side(int count) {
  std::mutex mutex;
  std::condition_variable changed;
  int here = 0;
  parallel_for(count, [&](int) {
    std::unique_lock lock(mutex);
    ++here;
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(5), [&] { return here == count; });
  });
  std::lock_guard lock(mutex);
  return here == count;
}

}  // namespace

TEST_CASE("kernels' loops have as many threads in models as elsewhere, and so has LibTorch") {
  for (const int count : {2, 3}) {
    set_threads(count);
    share_threads();
    CHECK(at::get_num_threads() == count);
    CHECK(side_by_side(count));
  }
}

TEST_CASE("an error comes out of a loop on LibTorch's threads, and OpenMP has its threads again") {
  set_threads(2);
  share_threads();
  for (int round = 0; round < 20; ++round) {
    CHECK_THROWS_AS(parallel_for(8,
                                 [](int i) {
                                   if (i == 1) throw std::runtime_error("one");
                                 }),
                    std::runtime_error);
    CHECK(at::get_num_threads() == 2);
  }
  CHECK(side_by_side(2));
}
