// A thread that does what it is given in the order it came.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/turns.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace vtok {
namespace {

thread_local bool inside = false;

struct Turn {
  Task task;
  void *context;
  bool done = false;
  std::exception_ptr error;
};

// Never destroyed: its thread sleeps until the process ends.
class Turns {
  std::mutex mutex;
  std::condition_variable asked, done;
  std::deque<Turn *> waiting;
  bool started = false;

  void next(std::unique_lock<std::mutex> &lock) {
    Turn *turn = waiting.front();
    waiting.pop_front();
    lock.unlock();
    try {
      turn->task(turn->context, 0);
    } catch (...) {
      turn->error = std::current_exception();
    }
    lock.lock();
    turn->done = true;
    done.notify_all();
  }
  void serve() {
    inside = true;
    std::unique_lock lock(mutex);
    for (;;) {
      asked.wait(lock, [&] { return !waiting.empty(); });
      next(lock);
    }
  }

 public:
  void take(Turn &turn) {
    std::unique_lock lock(mutex);
    if (!started) {
      std::thread([this] { serve(); }).detach();
      started = true;
    }
    waiting.push_back(&turn);
    asked.notify_one();
    done.wait(lock, [&] { return turn.done; });
  }
  void yield() {
    std::unique_lock lock(mutex);
    // Those who come back for another turn wait for the next yield: else two of them could go on for ever.
    for (size_t n = waiting.size(); n > 0 && !waiting.empty(); --n) next(lock);
  }
};

Turns &turns() {
  static Turns *const t = new Turns;
  return *t;
}

}  // namespace

void take_turn(Task task, void *context) {
  if (inside) return task(context, 0);
  Turn turn{task, context};
  turns().take(turn);
  if (turn.error) std::rethrow_exception(turn.error);
}

void yield_turn() {
  if (inside) turns().yield();
}

}  // namespace vtok
