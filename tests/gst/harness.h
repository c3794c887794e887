// A GstHarness for token elements, and what comes out of one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/check/gstharness.h>

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/gst/streams.h"

namespace vtok::test {

inline std::string token_caps(int hidden_size = 2, const std::string &more = "") {
  return "application/x-visual-tokens, type=(string)float32, hidden-size=(int)" +
         std::to_string(hidden_size) +
         ", space=(string)\"test@0123456789abcdef\", stream-format=(string)raw" + more;
}

/// One element between a source and a sink of our own; collects events and messages.
class Harness {
  GstHarness *h_;
  GstBus *bus_;

 public:
  explicit Harness(const char *launch) : h_(gst_harness_new_parse(launch)), bus_(gst_bus_new()) {
    gst_element_set_bus(h_->element, bus_);
  }
  ~Harness() {
    gst_element_set_bus(h_->element, nullptr);
    gst_harness_teardown(h_);
    gst_object_unref(bus_);
  }
  Harness(const Harness &) = delete;
  GstHarness *operator->() const { return h_; }
  GstHarness *get() const { return h_; }
  GstElement *element() const { return h_->element; }

  void set_caps(const std::string &caps) { gst_harness_set_src_caps_str(h_, caps.c_str()); }
  void set_sink_caps(const std::string &caps) { gst_harness_set_sink_caps_str(h_, caps.c_str()); }
  void set(const char *property, const char *value) {
    gst_util_set_object_arg(G_OBJECT(named()), property, value);
  }
  GstFlowReturn push(GstBuffer *buffer) { return gst_harness_push(h_, buffer); }
  bool event(GstEvent *event) { return gst_harness_push_event(h_, event); }

  struct Unref {
    void operator()(GstBuffer *b) const { gst_buffer_unref(b); }
  };
  using Buffer = std::unique_ptr<GstBuffer, Unref>;
  Buffer pull() { return Buffer(gst_harness_try_pull(h_)); }  // null: nothing has come out

  /// The next event of that type that went downstream; others are let go of.
  GstEvent *next(GstEventType type) {
    while (GstEvent *event = gst_harness_try_pull_event(h_)) {
      if (GST_EVENT_TYPE(event) == type) return event;
      gst_event_unref(event);
    }
    return nullptr;
  }
  /// "text" of the next message of that type; nothing where there is none.
  std::optional<std::string> message(GstMessageType type) {
    GstMessage *m = gst_bus_pop_filtered(bus_, type);
    if (!m) return {};
    GError *error = nullptr;
    if (type == GST_MESSAGE_ERROR) gst_message_parse_error(m, &error, nullptr);
    if (type == GST_MESSAGE_WARNING) gst_message_parse_warning(m, &error, nullptr);
    gst_message_unref(m);
    return taken(error);
  }
  guint64 stat(const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(named(), "stats", &stats, nullptr);
    guint64 value = 0;
    CHECK(gst_structure_get_uint64(stats, name, &value));
    gst_structure_free(stats);
    return value;
  }
  double number(const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(named(), "stats", &stats, nullptr);
    double value = 0;
    CHECK(gst_structure_get_double(stats, name, &value));
    gst_structure_free(stats);
    return value;
  }
  std::string out_caps() {
    GstPad *pad = gst_element_get_static_pad(h_->element, "src");
    GstCaps *caps = gst_pad_get_current_caps(pad);
    gst_object_unref(pad);
    if (!caps) return "";
    gchar *text = gst_caps_to_string(caps);
    gst_caps_unref(caps);
    std::string copy = text;
    g_free(text);
    return copy;
  }

 private:
  // A bin's properties are its only element's.
  GObject *named() {
    if (!GST_IS_BIN(h_->element)) return G_OBJECT(h_->element);
    return G_OBJECT(GST_BIN_CHILDREN(h_->element)->data);
  }
};

inline GstVtokCounts counts_of(GstBuffer *buffer) {
  GstVtokCounts counts = {};
  REQUIRE(gst_vtok_buffer_get_counts(buffer, &counts));
  return counts;
}

/// What caps say, with an info of the test's own.
struct Opened {
  Info info;
  GstVtokView view{};
  Opened(GstBuffer *buffer, const std::string &caps) : info(1) {
    GstCaps *parsed = gst_caps_from_string(caps.c_str());
    REQUIRE(gst_vtok_info_from_caps(&info.c, parsed, nullptr));
    gst_caps_unref(parsed);
    GError *error = nullptr;
    gst_vtok_view_map(&view, buffer, &info.c, &error);
    INFO(taken(error));
    REQUIRE(view.n > 0);
  }
  ~Opened() { gst_vtok_view_unmap(&view); }
  const float *numbers() const { return static_cast<const float *>(view.tokens); }
};

/// A frame of tokens at `ms`, lasting 40 ms; `starts`: DELTA_UNIT unset.
inline GstBuffer *frame_at(const std::vector<float> &numbers, int width, int ms, bool starts, int columns = 0,
                           bool records = true) {
  Info info(width);
  const int n = int(numbers.size()) / width;
  GstBuffer *buffer = buffer_of(
      info.c, numbers, records ? records_of(n, columns ? columns : n) : std::vector<GstVtokRecord>{});
  GST_BUFFER_PTS(buffer) = ms * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
  if (!starts) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

}  // namespace vtok::test
