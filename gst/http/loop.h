// A GLib main context with a thread of its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <glib.h>

#include <functional>
#include <thread>

namespace vtok {

class Loop {
  GMainContext *const context_ = g_main_context_new();
  GMainLoop *const loop_ = g_main_loop_new(context_, FALSE);
  std::thread thread_;

 public:
  Loop() = default;
  Loop(const Loop &) = delete;
  ~Loop();
  GMainContext *context() const { return context_; }
  void start();
  /// From another thread: waits until the thread has ended. What was posted and did not run never will.
  void join();
  void quit() { g_main_loop_quit(loop_); }
  /// Runs `what` in the thread, after what was posted before. Any thread.
  void post(std::function<void()> what);
  /// What the calling thread makes of GIO belongs to this context meanwhile. Not while the thread runs.
  void within(const std::function<void()> &what);
  /// Runs what is due, in the calling thread. Not while the thread runs.
  void drain();
};

/// Calls back in a loop's thread; for that thread alone. Stopped when it is destroyed.
class Timer {
  GSource *source_ = nullptr;
  std::function<void()> what_;

 public:
  Timer() = default;
  Timer(const Timer &) = delete;
  ~Timer() { stop(); }
  /// In `ms`, and where it repeats every `ms`; what was started before is stopped.
  void start(const Loop &loop, unsigned ms, std::function<void()> what, bool repeats = false);
  void stop();
  bool running() const { return source_ != nullptr; }
};

}  // namespace vtok
