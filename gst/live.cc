// Live streams: LATENCY and QOS.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/live.h"

#include <algorithm>

namespace vtok {

Choices drop_policies() {
  static const Choice rows[] = {{"auto", "Live streams lose the oldest frames, files wait"},
                                {"oldest", "The frame that has waited longest is lost"},
                                {"newest", "The frame that just came is lost"}};
  return {choice_type("GstVtokDropPolicy", rows)};
}

bool upstream_is_live(GstPad *sink) {
  GstQuery *query = gst_query_new_latency();
  gboolean live = FALSE;
  if (gst_pad_peer_query(sink, query)) gst_query_parse_latency(query, &live, nullptr, nullptr);
  gst_query_unref(query);
  return live;
}

// As GstBaseTransform and GstVideoDecoder reckon: a stream that runs late by `diff` shall skip twice that
// far.
void Qos::observe(GstEvent *qos, int64_t duration) {
  GstQOSType type;
  double proportion;
  GstClockTimeDiff diff;
  GstClockTime timestamp;
  gst_event_parse_qos(qos, &type, &proportion, &diff, &timestamp);
  std::lock_guard lock(mutex_);
  proportion_ = proportion;
  jitter_ = diff;
  if (!GST_CLOCK_TIME_IS_VALID(timestamp)) {
    earliest_ = -1;
  } else {
    earliest_ = int64_t(timestamp) + (diff > 0 ? 2 * diff + duration : diff);
  }
}

bool Qos::late(int64_t running_end) const {
  std::lock_guard lock(mutex_);
  return earliest_ >= 0 && running_end >= 0 && running_end <= earliest_;
}

void Qos::post_dropped(GstElement *element, bool live, int64_t running, int64_t stream, int64_t pts,
                       int64_t duration) {
  const uint64_t lost = ++dropped;
  GstMessage *message = gst_message_new_qos(GST_OBJECT(element), live, GstClockTime(running),
                                            GstClockTime(stream), GstClockTime(pts), GstClockTime(duration));
  {
    std::lock_guard lock(mutex_);
    gst_message_set_qos_values(message, jitter_, proportion_, 1000000);
  }
  gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, processed, lost);
  gst_element_post_message(element, message);
}

void Qos::forget() {
  std::lock_guard lock(mutex_);
  proportion_ = 1;
  earliest_ = -1;
  jitter_ = 0;
}

void Qos::reset() {
  forget();
  processed = dropped = 0;
}

bool Delay::measure(int64_t batch_ns) {
  if (++measured_ == 1) return false;  // the first one warms up
  mean_ns_ = measured_ == 2 ? double(batch_ns) : .9 * mean_ns_ + .1 * double(batch_ns);
  if (mean_ns_ <= double(told_)) return false;
  told_ = int64_t(1.25 * mean_ns_);
  return true;
}

void Delay::add_to(GstQuery *latency, Full when_full, int64_t holds, int64_t waits) const {
  gboolean live;
  GstClockTime min, max;
  gst_query_parse_latency(latency, &live, &min, &max);
  min += GstClockTime(told_ + waits);
  if (GST_CLOCK_TIME_IS_VALID(max) && when_full == Full::kWait)
    max += GstClockTime(std::max<int64_t>(holds, told_));
  // A stage that leaks buffers no more than it holds itself, whatever upstream could.
  if (when_full != Full::kWait && holds > 0) max = std::min(max, GstClockTime(holds));
  gst_query_set_latency(latency, live, min, std::max(min, max));
}

void Delay::reset() {
  told_ = 0;
  measured_ = 0;
}

}  // namespace vtok
