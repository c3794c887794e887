// A few threads for work that may go on side by side, begun in the order it came.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vtok {

class SideBySide {
  const size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  size_t busy_ = 0;
  bool stop_ = false;

  void work();

 public:
  explicit SideBySide(size_t most) : most_(most) {}  // threads; none is started before it is needed
  ~SideBySide() { stop(); }
  void begin(std::function<void()> work);  // which does not throw
  void wait_idle();
  /// What has not begun never will; returns when the rest is done. begin() works again afterwards.
  void stop();
};

}  // namespace vtok
