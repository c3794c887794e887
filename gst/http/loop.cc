// Main loops and timers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/loop.h"

#include <utility>

namespace vtok {

Loop::~Loop() {
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
}

void Loop::start() {
  thread_ = std::thread([this] {
    g_main_context_push_thread_default(context_);
    g_main_loop_run(loop_);
    g_main_context_pop_thread_default(context_);
  });
}

void Loop::join() {
  if (thread_.joinable()) thread_.join();
}

void Loop::post(std::function<void()> what) {
  GSource *source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        (*static_cast<std::function<void()> *>(data))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(what)),
      [](gpointer data) { delete static_cast<std::function<void()> *>(data); });
  g_source_attach(source, context_);
  g_source_unref(source);
}

void Loop::within(const std::function<void()> &what) {
  g_main_context_push_thread_default(context_);
  what();
  g_main_context_pop_thread_default(context_);
}

void Loop::drain() {
  while (g_main_context_iteration(context_, FALSE)) {
  }
}

void Timer::start(const Loop &loop, unsigned ms, std::function<void()> what, bool repeats) {
  stop();
  what_ = std::move(what);
  source_ = g_timeout_source_new(ms);
  const GSourceFunc repeat = [](gpointer data) -> gboolean {
    const auto call = static_cast<Timer *>(data)->what_;  // the timer may be gone after it
    call();
    return G_SOURCE_CONTINUE;
  };
  const GSourceFunc once = [](gpointer data) -> gboolean {
    auto *timer = static_cast<Timer *>(data);
    const auto call = std::move(timer->what_);
    timer->stop();
    call();
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(source_, repeats ? repeat : once, this, nullptr);
  g_source_attach(source_, loop.context());
}

void Timer::stop() {
  if (!source_) return;
  g_source_destroy(source_);
  g_source_unref(source_);
  source_ = nullptr;
}

}  // namespace vtok
