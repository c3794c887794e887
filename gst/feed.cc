// Token buffers as parts of groups.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/feed.h"

#include <algorithm>
#include <optional>

namespace vtok {
namespace {

constexpr int64_t kDay = 86400 * int64_t(GST_SECOND);
constexpr int64_t kNtpToUnix = 2208988800 * int64_t(GST_SECOND);  // NTP counts from 1900

// The wall clock's time of this buffer, ns since 1970; nothing where upstream does not say.
std::optional<int64_t> wall_clock(GstBuffer *buffer) {
  std::optional<int64_t> unix_ns;
  gst_buffer_foreach_meta(
      buffer,
      [](GstBuffer *, GstMeta **meta, gpointer out) -> gboolean {
        if ((*meta)->info->api != GST_REFERENCE_TIMESTAMP_META_API_TYPE) return TRUE;
        auto *time = reinterpret_cast<GstReferenceTimestampMeta *>(*meta);
        const GstStructure *reference = gst_caps_get_structure(time->reference, 0);
        const bool ntp = gst_structure_has_name(reference, "timestamp/x-ntp");
        if (!ntp && !gst_structure_has_name(reference, "timestamp/x-unix")) return TRUE;
        *static_cast<std::optional<int64_t> *>(out) = int64_t(time->timestamp) - (ntp ? kNtpToUnix : 0);
        return FALSE;
      },
      &unix_ns);
  return unix_ns;
}

}  // namespace

void Feed::reset() {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  end_ = running_end_ = 0;
  utc_ = kNone;
}

void Feed::set_segment(const GstSegment &segment) {
  segment_ = segment;
  if (segment.format != GST_FORMAT_TIME) gst_segment_init(&segment_, GST_FORMAT_TIME);
}

Part Feed::part(GstBuffer *buffer, Clock clock) {
  TokenBuffer content = read_tokens(buffer, info_);
  Part part;
  part.starts = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  part.replaces = content.counts.replaces;
  part.group = content.counts.group;
  part.after_loss = GST_BUFFER_IS_DISCONT(buffer) && !part.replaces;
  constexpr guint kMost = 1 << 20;  // what a buffer says is not more than that
  part.frames = int(std::min(content.counts.frames, kMost));
  part.side = int(std::min(std::max(content.counts.grid_width, content.counts.grid_height), kMost));
  part.tokens = std::move(content.tokens);
  const GstClockTime pts = GST_BUFFER_PTS(buffer);
  const GstClockTime stream = gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, pts);
  const GstClockTime running = gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, pts);
  part.from = GST_CLOCK_TIME_IS_VALID(stream) ? int64_t(stream) : end_;
  part.running = GST_CLOCK_TIME_IS_VALID(running) ? int64_t(running) : running_end_;
  const int64_t span = GST_BUFFER_DURATION_IS_VALID(buffer) ? int64_t(GST_BUFFER_DURATION(buffer)) : 0;
  end_ = std::max(end_, part.from + span);
  running_end_ = std::max(running_end_, part.running + span);
  if (clock == Clock::kUtc) {
    if (const auto wall = wall_clock(buffer); wall && utc_ == kNone) utc_ = *wall % kDay - part.from;
    if (utc_ != kNone) part.from += utc_;
  }
  part.to = part.from + span;
  return part;
}

bool Feed::gap(GstEvent *event, int64_t &to) {
  GstClockTime pts, duration;
  gst_event_parse_gap(event, &pts, &duration);
  const GstClockTime end = pts + (GST_CLOCK_TIME_IS_VALID(duration) ? duration : 0);
  const GstClockTime stream = gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, end);
  const GstClockTime running = gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, end);
  if (!GST_CLOCK_TIME_IS_VALID(stream) || !GST_CLOCK_TIME_IS_VALID(running)) return false;
  end_ = std::max(end_, int64_t(stream));
  running_end_ = std::max(running_end_, int64_t(running));
  to = int64_t(stream) + (utc_ == kNone ? 0 : utc_.load());
  return true;
}

int64_t Feed::stream_time(int64_t told) const { return utc_ == kNone ? told : told - utc_; }

}  // namespace vtok
