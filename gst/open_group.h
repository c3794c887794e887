// The group that vtoktemporal has open: its span and its counts.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "gst/bridge.h"

namespace vtok {

/// Times in ns; GST_CLOCK_TIME_NONE where a stream without PTS leaves them open.
struct OpenGroup {
  uint64_t number = 0;
  GstClockTime pts, end;
  GstClockTime frame;               // how long a frame without a duration lasts
  std::shared_ptr<GstBuffer> like;  // the first frame: metas and flags
  GstVtokCounts sum{};              // frames, source tokens; the grid of the first frame

  OpenGroup(GstBuffer *first, const GstVtokInfo &info)
      : pts(GST_BUFFER_PTS(first)),
        end(pts),
        frame(info.fps_n > 0 ? gst_util_uint64_scale(GST_SECOND, info.fps_d, info.fps_n) : 0),
        like(gst_buffer_ref(first), gst_buffer_unref) {}

  void add(GstBuffer *buffer, const GstVtokCounts &counts) {
    if (!sum.frames) {
      sum.grid_width = counts.grid_width;
      sum.grid_height = counts.grid_height;
    }
    sum.frames += counts.frames;
    sum.source_tokens += counts.source_tokens;
    lengthen(GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer));
  }
  void lengthen(GstClockTime from, GstClockTime length) {
    if (!GST_CLOCK_TIME_IS_VALID(pts) || !GST_CLOCK_TIME_IS_VALID(from)) return;
    end = std::max(end, from + (GST_CLOCK_TIME_IS_VALID(length) ? length : frame));
  }
  /// The span ends where the next group begins; where nobody knows or has seen what was up to there, with its last frame.
  void end_at(GstClockTime next) {
    if (GST_CLOCK_TIME_IS_VALID(pts) && GST_CLOCK_TIME_IS_VALID(next) && next > pts) end = next;
  }
  GstClockTime duration() const { return GST_CLOCK_TIME_IS_VALID(pts) ? end - pts : GST_CLOCK_TIME_NONE; }
  /// From the group's PTS to this buffer's.
  int64_t offset(GstBuffer *buffer) const {
    return GST_CLOCK_TIME_IS_VALID(pts) && GST_BUFFER_PTS_IS_VALID(buffer)
               ? int64_t(GST_BUFFER_PTS(buffer)) - int64_t(pts)
               : 0;
  }
  GstVtokCounts counts(bool replaces) const {
    GstVtokCounts c = sum;
    c.group = number;
    c.replaces = replaces;
    return c;
  }
};

/// Moves source times by `ns`.
inline void shift(std::vector<Record> &records, int64_t ns) {
  for (Record &record : records) record.time += ns;
}

}  // namespace vtok
