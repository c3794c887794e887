// Kernels' loops on the threads that LibTorch's own loops run on, each taking the next index when it is done
// with one. SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/threads.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "kernels/threads.h"

namespace vtok {
namespace {

void run_loop(int count, Task task, void *context) {
  std::atomic<int> next{0};
  const int64_t helpers = std::min<int64_t>(count, at::get_num_threads());
  at::parallel_for(0, helpers, 1, [&](int64_t, int64_t) {
    const OneOpenMpThread
        one;  // oneDNN's products inside a task would share themselves out, and do so serially
    for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(context, i);
  });
}

}  // namespace

void share_threads() {
  at::set_num_threads(threads());
  set_runner(run_loop);
}

}  // namespace vtok
