// A pipeline that a test feeds with token buffers, and a gate that holds its worker.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <condition_variable>
#include <mutex>

#include "gst/bridge.h"
#include "tests/gst/pipeline.h"

inline constexpr char kCaps[] =
    "application/x-visual-tokens, type=(string)float32, hidden-size=(int)4, "
    "space=(string)\"test@0000000000000000\", "
    "stream-format=(string)raw, framerate=(fraction)0/1, extras=(string)none";
inline const std::string kSource = std::string("appsrc name=in format=time caps=\"") + [] {
  std::string caps = kCaps;  // quoted once more for the launch line
  for (size_t at = 0; (at = caps.find('"', at)) != std::string::npos; at += 2) caps.insert(at, "\\");
  return caps;
}() + "\" ! ";

/// A buffer of n tokens of 4 numbers, each `value`.
inline GstBuffer *tokens(int n, double from_s, double duration_s, bool starts, float value = 1) {
  void *data;
  vtok::Tokens t = vtok::allocate_tokens(vtok::Type::kFloat32, n, 4, data);
  for (int i = 0; i < 4 * n; ++i) static_cast<float *>(data)[i] = value;
  t.records.resize(size_t(n));
  GstVtokCounts counts{};
  counts.frames = 1;
  counts.source_tokens = guint64(n);
  GstBuffer *buffer = vtok::write_tokens(t, counts, nullptr).release();
  GST_BUFFER_PTS(buffer) = GstClockTime(from_s * GST_SECOND);
  GST_BUFFER_DURATION(buffer) = GstClockTime(duration_s * GST_SECOND);
  if (!starts) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

/// An application that pushes tokens: `in` is the appsrc, `llm` the element under test.
struct Fed : Pipeline {
  explicit Fed(const std::string &rest) : Pipeline(kSource + rest) {}
  GstFlowReturn push(GstBuffer *buffer) {
    return gst_app_src_push_buffer(GST_APP_SRC((*this)["in"]), buffer);
  }
  void end() { gst_app_src_end_of_stream(GST_APP_SRC((*this)["in"])); }
  void play() { REQUIRE(state(GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE); }
  bool finish() {
    end();
    return until([&] { return eos || !errors.empty(); }) && errors.empty();
  }
  bool taken(guint64 buffers) {
    return until([&] { return stat("llm", "buffers-in") >= buffers; });
  }
};

/// Holds the worker in the signal `answer-delta` of the first piece, as a slow model would.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false, open = false;
  static void piece(GstElement *, guint64, const char *, Gate *gate) {
    std::unique_lock lock(gate->mutex);
    gate->reached = true;
    gate->changed.notify_all();
    gate->changed.wait(lock, [&] { return gate->open; });
  }
  void attach(GstElement *llm) { g_signal_connect(llm, "answer-delta", G_CALLBACK(piece), this); }
  bool wait() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return reached; });
  }
  void release() {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

/// One whose worker is held in the first piece of the first answer.
struct Held : Fed {
  Gate gate;
  explicit Held(const std::string &rest) : Fed(rest) { gate.attach((*this)["llm"]); }
  /// Plays, with a token of a group.
  void begin() {
    play();
    push(tokens(1, 0, 1, true));
  }
  /// The same, and asks: what follows waits for that answer.
  guint64 begin_answering() {
    begin();
    REQUIRE(taken(1));
    const guint64 id = ask("llm", "What?");
    REQUIRE(gate.wait());
    return id;
  }
};
