// Threads that wait for work.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/side_by_side.h"

#include <utility>

namespace vtok {

void SideBySide::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    {
      const std::function<void()> next = std::move(waiting_.front());
      waiting_.pop_front();
      ++busy_;
      lock.unlock();
      next();
    }
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
}

void SideBySide::begin(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(work));
  if (threads_.size() < most_ && threads_.size() < busy_ + waiting_.size())
    threads_.emplace_back([this] { this->work(); });
  changed_.notify_all();
}

void SideBySide::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return busy_ == 0 && waiting_.empty(); });
}

void SideBySide::stop() {
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    waiting_.clear();
    ending.swap(threads_);
    changed_.notify_all();
  }
  for (std::thread &thread : ending) thread.join();
  const std::lock_guard lock(mutex_);
  stop_ = false;
}

}  // namespace vtok
