// A pipeline from a launch line, what it said on the bus, and waits that end.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

inline const std::string kCheckpoint = VTOK_GOLDEN "/llava-onevision/checkpoint";

/// A `vtok-answer` message.
struct Answered {
  guint64 id = 0, from = 0, to = 0;
  std::string question, text, finish_reason;
  guint tokens = 0;
  int fields = 0;
};

class Pipeline {
  GstElement *pipeline_;
  GstBus *bus_;
  bool take(GstMessage *message) {
    auto parsed = [&](auto parse) {
      GError *error = nullptr;
      parse(message, &error, nullptr);
      std::string text = error->message;
      g_error_free(error);
      return text;
    };
    switch (GST_MESSAGE_TYPE(message)) {
      case GST_MESSAGE_ERROR:
        errors.push_back(parsed(gst_message_parse_error));
        break;
      case GST_MESSAGE_WARNING:
        warnings.push_back(parsed(gst_message_parse_warning));
        break;
      case GST_MESSAGE_EOS:
        eos = true;
        break;
      case GST_MESSAGE_QOS:
        ++qos;
        break;
      case GST_MESSAGE_PROGRESS: {
        GstProgressType type;
        gst_message_parse_progress(message, &type, nullptr, nullptr);
        progress.push_back(type);
        break;
      }
      case GST_MESSAGE_ELEMENT:
        if (gst_message_has_name(message, "vtok-answer")) {
          const Answered one = answer(gst_message_get_structure(message));
          answers.insert(std::upper_bound(answers.begin(), answers.end(), one,
                                          [](const Answered &a, const Answered &b) { return a.id < b.id; }),
                         one);
        }
        elements.emplace_back(gst_structure_copy(gst_message_get_structure(message)), gst_structure_free);
        break;
      default:
        break;
    }
    gst_message_unref(message);
    return true;
  }
  static Answered answer(const GstStructure *s) {
    Answered a;
    a.fields = gst_structure_n_fields(s);
    double ttft, total;
    REQUIRE(gst_structure_get(s, "id", G_TYPE_UINT64, &a.id, "from", G_TYPE_UINT64, &a.from, "to",
                              G_TYPE_UINT64, &a.to, "tokens", G_TYPE_UINT, &a.tokens, "ttft-ms",
                              G_TYPE_DOUBLE, &ttft, "total-ms", G_TYPE_DOUBLE, &total, nullptr));
    a.question = gst_structure_get_string(s, "question");
    a.text = gst_structure_get_string(s, "text");
    a.finish_reason = gst_structure_get_string(s, "finish-reason");
    return a;
  }

 public:
  std::vector<std::string> errors, warnings;
  std::vector<std::unique_ptr<GstStructure, void (*)(GstStructure *)>> elements;  // of all element messages
  std::vector<GstProgressType> progress;
  std::vector<Answered> answers;  // by id: those that are made side by side come in any order
  bool eos = false;
  int qos = 0;

  explicit Pipeline(const std::string &launch) {
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(launch.c_str(), &error);
    INFO(launch << ": " << (error ? error->message : "no error"));
    REQUIRE((pipeline_ && !error));
    bus_ = gst_element_get_bus(pipeline_);
  }
  ~Pipeline() {
    state(GST_STATE_NULL);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  GstBin *bin() { return GST_BIN(pipeline_); }
  GstStateChangeReturn state(GstState wanted) { return gst_element_set_state(pipeline_, wanted); }
  /// Waits until the state is reached (asynchronous changes too); false after `seconds`.
  bool reached(GstState wanted, int seconds = 20) {
    GstState now;
    return gst_element_get_state(pipeline_, &now, nullptr, guint64(seconds) * GST_SECOND) ==
               GST_STATE_CHANGE_SUCCESS &&
           now == wanted;
  }
  /// Takes messages until `done()`; false where that does not come within `seconds`.
  bool until(const std::function<bool()> &done, int seconds = 20) {
    const gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    while (!done()) {
      if (g_get_monotonic_time() > end) return false;
      if (GstMessage *message = gst_bus_timed_pop(bus_, 20 * GST_MSECOND)) take(message);
    }
    return true;
  }
  /// What is on the bus now.
  void poll() {
    while (GstMessage *message = gst_bus_pop(bus_)) take(message);
  }
  /// Plays to the end; false on an error.
  bool run(int seconds = 30) {
    if (state(GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
      CHECK(until([&] { return eos || !errors.empty(); }, seconds));
    poll();
    return eos && errors.empty();
  }
  GstElement *operator[](const char *name) {
    GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    REQUIRE(element);
    gst_object_unref(element);  // the pipeline holds it
    return element;
  }
  bool send(GstEvent *event) { return gst_element_send_event(pipeline_, event); }
  /// A count out of an element's stats.
  guint64 stat(const char *element, const char *field) {
    GstStructure *stats = nullptr;
    g_object_get((*this)[element], "stats", &stats, nullptr);
    guint64 value = 0;
    REQUIRE(gst_structure_get_uint64(stats, field, &value));
    gst_structure_free(stats);
    return value;
  }
  /// What the whole pipeline answers to a LATENCY query; 0 where it is not live.
  GstClockTime latency() {
    GstQuery *query = gst_query_new_latency();
    REQUIRE(gst_element_query(pipeline_, query));
    gboolean live = FALSE;
    GstClockTime least = 0;
    gst_query_parse_latency(query, &live, &least, nullptr);
    gst_query_unref(query);
    return live ? least : 0;
  }
  guint64 ask(const char *element, const char *text) {
    guint64 id = 0;
    g_signal_emit_by_name((*this)[element], "ask", text, &id);
    return id;
  }
  bool cancel(const char *element, guint64 id) {
    gboolean was = FALSE;
    g_signal_emit_by_name((*this)[element], "cancel", id, &was);
    return was;
  }
};

struct UnrefSample {
  void operator()(GstSample *sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, UnrefSample>;
/// The next sample of an appsink; null at EOS and after 20 s.
inline SamplePtr pull(GstElement *appsink) {
  return SamplePtr(gst_app_sink_try_pull_sample(GST_APP_SINK(appsink), 20 * GST_SECOND));
}
inline std::string bytes(GstBuffer *buffer) {
  std::string out(gst_buffer_get_size(buffer), 0);
  gst_buffer_extract(buffer, 0, out.data(), out.size());
  return out;
}
