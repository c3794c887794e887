// The one place that decides how many CPU threads kernels use, and the pool that runs them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <type_traits>

namespace vtok {

/// Threads a kernel of cpu() may use, the caller's included; at first as many as this process may run on.
int threads();
void set_threads(int count);  // at least 1

using Task = void (*)(void *context, int index);
/// Calls task(context, i) for i in 0..count-1, on the caller's thread and the pool's, and returns when all
/// are done. The first exception thrown is passed on. Inside a task, and while another caller has the pool,
/// everything runs on the caller's thread. OpenMP inside a task (oneDNN's) has one thread.
void parallel(int count, Task task, void *context);

/// From now on `runner` does what parallel() promises, with threads of its own. For code that shares its work
/// with another library's pool: two pools would fight for the processors, since idle threads spin for a
/// while.
using Runner = void (*)(int count, Task task, void *context);
void set_runner(Runner runner);  // null: the pool again

/// While it lives, this thread's OpenMP loops have one thread.
class OneOpenMpThread {
  int before_;

 public:
  OneOpenMpThread();
  ~OneOpenMpThread();
  OneOpenMpThread(const OneOpenMpThread &) = delete;
  OneOpenMpThread &operator=(const OneOpenMpThread &) = delete;
};

/// parallel() for a callable f(int index).
template <class F>
void parallel_for(int count, F &&f) {
  using Callable = std::remove_reference_t<F>;
  parallel(
      count, [](void *context, int i) { (*static_cast<Callable *>(context))(i); },
      const_cast<void *>(static_cast<const void *>(&f)));
}

}  // namespace vtok
