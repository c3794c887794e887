// The pool: every index once, errors passed on, loops within loops and from several threads at once.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/threads.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace vtok;

TEST_CASE("every index is called once, whatever the number of threads") {
  for (int count : {1, 2, 3, 8}) {
    set_threads(count);
    CHECK(threads() == count);
    for (int n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(n));
      parallel_for(n, [&](int i) { calls[size_t(i)]++; });
      for (auto &c : calls) CHECK(c == 1);
    }
  }
}

TEST_CASE("the first error comes out and the pool goes on") {
  set_threads(3);
  for (int round = 0; round < 20; round++) {
    CHECK_THROWS_AS(parallel_for(100,
                                 [](int i) {
                                   if (i == 5) throw std::runtime_error("five");
                                 }),
                    std::runtime_error);
    std::atomic<int> sum = 0;
    parallel_for(100, [&](int i) { sum += i; });
    CHECK(sum == 4950);
  }
}

TEST_CASE("loops inside loops and from several threads") {
  set_threads(2);
  std::vector<std::thread> callers;
  std::atomic<int> sum = 0;
  for (int t = 0; t < 4; t++)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; round++)
        parallel_for(4, [&](int) { parallel_for(5, [&](int i) { sum += i; }); });
    });
  for (std::thread &caller : callers) caller.join();
  CHECK(sum == 4 * 50 * 4 * 10);
}
