// A camera of ready-made tokens before a vtokllmsink, for benchmarks.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/encoder.h"
#include "models/family.h"

namespace vtok::bench {

constexpr int kGroup = 10;  // frames

struct Facts {
  std::string folder, space;
  int hidden, context;
  explicit Facts(const std::string &model) {
    const auto checkpoint = vtok::open_checkpoint(model);
    folder = checkpoint->folder;
    space = vtok::describe_encoder(*checkpoint).space;
    const auto text = vtok::family_of(*checkpoint).language(*checkpoint).text;
    hidden = text.hidden;
    context = text.context;
  }
};

/// Tokens into a vtokllmsink as fast as it takes them, times as of a live stream.
class Camera {
  GstElement *pipeline_, *source_, *sink_;
  GstBus *bus_;
  const int hidden_, tokens_;
  const double seconds_;  // a frame lasts
  std::vector<float> numbers_;
  int64_t frame_ = 0;

  guint64 stat(const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(sink_, "stats", &stats, nullptr);
    guint64 value = 0;
    guint waiting = 0;
    if (!gst_structure_get_uint64(stats, name, &value) && gst_structure_get_uint(stats, name, &waiting))
      value = waiting;
    gst_structure_free(stats);
    return value;
  }
  GstMessage *wait(GstMessageType types) {
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus_, 600 * GST_SECOND, GstMessageType(types | GST_MESSAGE_ERROR));
    if (message && GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR) return message;
    GError *error = nullptr;
    if (message) gst_message_parse_error(message, &error, nullptr);
    throw std::runtime_error(error ? error->message : "nothing came in ten minutes");
  }

 public:
  Camera(const Facts &facts, const std::string &memory, int memory_tokens, int tokens, double seconds,
         const std::string &more = "")
      : hidden_(facts.hidden), tokens_(tokens), seconds_(seconds), numbers_(size_t(1) << 20) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.05f);
    for (float &number : numbers_) number = normal(random);
    const std::string launch =
        "appsrc name=in is-live=true format=time block=true max-buffers=64 max-bytes=0 "
        "caps=application/x-visual-tokens,type=float32,hidden-size=" + std::to_string(hidden_) + ",space=(string)\\\"" +
        facts.space + "\\\",stream-format=raw,framerate=0/1,extras=none ! vtokllmsink name=llm async=false device=cpu "
        "queue-size=4096 max-new-tokens=1 memory=" + memory + " memory-tokens=" + std::to_string(memory_tokens) +
        " model=\"" + facts.folder + "\" " + more;
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(launch.c_str(), &error);
    if (error) throw std::runtime_error(error->message);
    source_ = gst_bin_get_by_name(GST_BIN(pipeline_), "in");
    sink_ = gst_bin_get_by_name(GST_BIN(pipeline_), "llm");
    bus_ = gst_element_get_bus(pipeline_);
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
    push(1);  // frames wait until the model is loaded
    while (stat("buffers-in") < 1) g_usleep(20000);
  }
  ~Camera() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(source_);
    gst_object_unref(sink_);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  void push(int64_t frames) {
    for (const int64_t end = frame_ + frames; frame_ < end; ++frame_) {
      const size_t count = size_t(tokens_) * size_t(hidden_);
      GstBuffer *buffer = gst_buffer_new_allocate(nullptr, count * sizeof(float), nullptr);
      gst_buffer_fill(buffer, 0, numbers_.data() + size_t(frame_) * 7919 % (numbers_.size() - count), count * sizeof(float));
      GST_BUFFER_PTS(buffer) = GstClockTime(double(frame_) * seconds_ * GST_SECOND);
      GST_BUFFER_DURATION(buffer) = GstClockTime(seconds_ * GST_SECOND);
      if (frame_ % kGroup) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
      if (gst_app_src_push_buffer(GST_APP_SRC(source_), buffer) != GST_FLOW_OK)
        throw std::runtime_error("the pipeline takes no more");
      if (frame_ % 256 == 0)
        while (stat("queue") > 2000) g_usleep(1000);
    }
  }
  /// Waits until all that came is remembered and read ahead.
  void settle() {
    while (stat("buffers-in") + stat("dropped-full") < guint64(frame_)) g_usleep(2000);
    for (guint64 before = 0, now = 1; before != now || stat("rows-behind") > 0; before = now, now = stat("rows-ahead"))
      g_usleep(400000);
  }
  void system_prompt(const std::string &text) { g_object_set(sink_, "system-prompt", text.c_str(), nullptr); }
  void begin_ask() {
    guint64 id = 0;
    g_signal_emit_by_name(sink_, "ask", "What is happening now?", &id);
  }
  /// Milliseconds to the first token of what was asked; `tokens`: how many were seen. Throws where the answer ended otherwise.
  double answer(const char *reason = nullptr, guint *tokens = nullptr) {
    for (;;) {
      GstMessage *message = wait(GST_MESSAGE_ELEMENT);
      const GstStructure *answer = gst_message_get_structure(message);
      const bool came = gst_structure_has_name(answer, "vtok-answer");
      double ms = 0;
      guint seen = 0;
      std::string why;
      if (came) {
        gst_structure_get(answer, "ttft-ms", G_TYPE_DOUBLE, &ms, "tokens", G_TYPE_UINT, &seen, nullptr);
        why = gst_structure_get_string(answer, "finish-reason");
      }
      gst_message_unref(message);
      if (!came) continue;
      if (tokens) *tokens = seen;
      if (ms <= 0 || (reason && why != reason)) throw std::runtime_error("a question was not answered: " + why);
      return ms;
    }
  }
  double ask(guint *tokens = nullptr) {
    begin_ask();
    return answer(nullptr, tokens);
  }
  bool forgets() { return stat("groups-forgotten") > 0; }
  guint64 lost() { return stat("dropped-full"); }
};

}  // namespace vtok::bench
