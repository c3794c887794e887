// What a stream of token buffers says, in the times that people are told.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <atomic>
#include <cstdint>

#include "gst/bridge.h"
#include "gst/gather.h"

namespace vtok {

enum class Clock { kStream, kUtc };

/// Follows caps, segment and buffers of one stream. For the streaming thread, but for stream_time().
class Feed {
  StreamInfo info_;
  GstSegment segment_;
  int64_t end_ = 0, running_end_ = 0;  // of what came so far; ns of stream and running time
  // What makes stream time UTC time of day, by the first reference timestamp: spans of one stream fit each
  // other even where the two clocks drift apart.
  std::atomic<int64_t> utc_{kNone};
  static constexpr int64_t kNone = INT64_MIN;

 public:
  Feed() { reset(); }
  void reset();
  void set_info(const StreamInfo &info) { info_ = info; }
  void set_segment(const GstSegment &segment);
  /// Throws BadTokens where the buffer does not fit the caps. Times that are missing follow the buffer
  /// before.
  Part part(GstBuffer *buffer, Clock clock);
  /// The end of a GAP in told time; false where it lies outside the segment.
  bool gap(GstEvent *event, int64_t &to);
  int64_t running_end() const { return running_end_; }
  /// A told time back in stream time, ns. Any thread.
  int64_t stream_time(int64_t told) const;
};

}  // namespace vtok
