// A pool of sleeping threads; one parallel loop at a time, indices handed out one by one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

// From libgomp, which oneDNN uses; the setting is the calling thread's own.
extern "C" void omp_set_num_threads(int);
extern "C" int omp_get_max_threads();

namespace vtok {
namespace {

struct Loop {
  Task task;
  void *context;
  int count;
  std::atomic<int> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  void run() {
    for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) try {
        task(context, i);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
        next = count;
      }
  }
};

std::atomic<int> wanted{0};  // 0: not set
std::atomic<Runner> other{nullptr};
thread_local bool inside = false;

// Never destroyed: its threads sleep until the process ends.
class Pool {
  std::mutex busy;  // held by the caller whose loop runs
  std::mutex mutex;
  std::condition_variable work, done;
  Loop *loop = nullptr;
  uint64_t round = 0;
  int started = 0;  // threads of the pool
  int invited = 0;  // of them, how many may still join this loop
  int running = 0;

  void serve() {
    inside = true;
    omp_set_num_threads(1);
    std::unique_lock lock(mutex);
    for (uint64_t seen = 0;;) {
      work.wait(lock, [&] { return round != seen; });
      seen = round;
      if (!loop || invited == 0) continue;
      invited--;
      running++;
      Loop *mine = loop;
      lock.unlock();
      mine->run();
      lock.lock();
      if (--running == 0) done.notify_one();
    }
  }

 public:
  // False: another caller has the pool.
  bool run(Loop &l, int helpers) {
    std::unique_lock mine(busy, std::try_to_lock);
    if (!mine) return false;
    {
      std::lock_guard lock(mutex);
      for (; started < helpers; started++) std::thread([this] { serve(); }).detach();
      loop = &l;
      invited = helpers;
      round++;
    }
    work.notify_all();
    inside = true;
    l.run();
    inside = false;
    std::unique_lock lock(mutex);
    loop = nullptr;
    done.wait(lock, [&] { return running == 0; });
    return true;
  }
};

Pool &pool() {
  static Pool *const p = new Pool;
  return *p;
}

}  // namespace

OneOpenMpThread::OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneOpenMpThread::~OneOpenMpThread() { omp_set_num_threads(before_); }

int threads() {
  const int n = wanted;
  static const int usable = std::max(1, int(std::thread::hardware_concurrency()));
  return n > 0 ? n : usable;
}

void set_threads(int count) { wanted = std::max(1, count); }

void set_runner(Runner runner) { other = runner; }

void parallel(int count, Task task, void *context) {
  if (const Runner runner = other) return runner(count, task, context);
  Loop loop{task, context, count};
  const int helpers = std::min(threads(), count) - 1;
  const OneOpenMpThread one;
  if (inside || helpers < 1 || !pool().run(loop, helpers)) loop.run();
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace vtok
