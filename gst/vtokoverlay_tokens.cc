// vtokoverlay, the tokens: which cells they are left of, and up to which time they have come.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/vtokoverlay.h"

namespace vtok {
namespace {

constexpr size_t kMostAhead = 4096;  // source frames the tokens may be ahead of the video

}  // namespace

GstFlowReturn VtokOverlay::chain_tokens(BufferPtr buffer) {
  return guarded_buffer(
      element(), [&] { return keep(buffer.get()); }, [&] { ++bad_; });
}

GstFlowReturn VtokOverlay::keep(GstBuffer *buffer) {
  const TokenBuffer content = read_tokens(buffer, info_);
  const GstClockTime pts = GST_BUFFER_PTS(buffer), duration = GST_BUFFER_DURATION(buffer);
  const GstClockTime at = gst_segment_to_running_time(&tokens_segment_, GST_FORMAT_TIME, pts);
  ++tokens_in_;
  std::unique_lock lock(mutex_);
  while (kept_.size() >= kMostAhead && live_) {
    kept_.drop_oldest();
    ++lost_;
  }
  changed_.wait(lock, [&] { return kept_.size() < kMostAhead || stopped_ || tokens_flushing_; });
  if (stopped_ || tokens_flushing_) return GST_FLOW_FLUSHING;
  if (!GST_CLOCK_TIME_IS_VALID(at)) return GST_FLOW_OK;  // outside the segment
  kept_.add(at, duration, content.tokens, content.counts);
  tokens_known(at + (GST_CLOCK_TIME_IS_VALID(duration) ? std::max<GstClockTime>(duration, 1) : 1));
  return GST_FLOW_OK;
}

// The mutex is held.
void VtokOverlay::tokens_known(GstClockTime until) {
  known_ = std::max(known_, until);
  ++arrivals_;
  stalled_ = false;
  changed_.notify_all();
}

gboolean VtokOverlay::tokens_event(GstEvent *event) {
  gboolean taken = TRUE;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps(event, &caps);
      taken = guarded(element(), FALSE, [&]() -> gboolean {
        info_ = StreamInfo(caps);
        return TRUE;
      });
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &tokens_segment_);
      if (tokens_segment_.format != GST_FORMAT_TIME) gst_segment_init(&tokens_segment_, GST_FORMAT_TIME);
      change([&] { tokens_over_ = false; });
      break;
    case GST_EVENT_GAP: {
      GstClockTime from, duration;
      gst_event_parse_gap(event, &from, &duration);
      if (GST_CLOCK_TIME_IS_VALID(duration)) from += duration;
      const GstClockTime until = gst_segment_to_running_time(&tokens_segment_, GST_FORMAT_TIME, from);
      if (GST_CLOCK_TIME_IS_VALID(until)) change([&] { tokens_known(until); });
      break;
    }
    case GST_EVENT_EOS:
      change([&] { tokens_over_ = true; });
      break;
    case GST_EVENT_FLUSH_START:
      change([&] { tokens_flushing_ = true; });
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&tokens_segment_, GST_FORMAT_TIME);
      change([&] {
        tokens_flushing_ = false;
        forget_tokens();
      });
      break;
    default:
      break;
  }
  gst_event_unref(event);
  return taken;
}

}  // namespace vtok
