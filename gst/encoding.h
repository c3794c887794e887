// Video frames of one stream into token buffers: times, lateness, group starts, RGB pixels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/video/video.h>

#include <atomic>
#include <memory>
#include <vector>

#include "gst/bridge.h"
#include "gst/groups.h"
#include "gst/live.h"
#include "gst/rgb.h"
#include "models/encoder.h"

namespace vtok {

/// Counts since PAUSED, read from any thread.
struct EncodingStats {
  std::atomic<uint64_t> frames_in{0}, frames_out{0}, tokens_out{0}, groups{0}, formats{0};
  std::atomic<uint64_t> dropped_full{0}, dropped_late{0}, dropped_bad{0};
  std::atomic<int64_t> convert_ns{0}, encode_ns{0};
  void reset() {
    frames_in = frames_out = tokens_out = groups = formats = dropped_full = dropped_late = dropped_bad = 0;
    convert_ns = encode_ns = 0;
  }
};

/// The worker's side of vtokenc. For one thread but where it says otherwise.
class Encoding {
  GstElement *const element_;
  Qos &qos_;
  EncodingStats &stats_;
  GstSegment segment_;
  std::atomic<int64_t> frame_ns_{0};
  std::atomic<bool> pictures_{false};  // somebody downstream shows them
  std::unique_ptr<RgbConverter> rgb_;
  GroupStarts starts_;
  GstClockTime next_pts_ = GST_CLOCK_TIME_NONE;  // of a frame that has none
  bool lost_ = false;                            // a frame was lost since the last one

  struct Frame {
    BufferPtr video;
    GstClockTime pts, duration;
    RgbFrame rgb;
    bool after_loss, starts;
    uint64_t group;
  };
  Grid grid_;                   // of this format's frames
  std::vector<Frame> waiting_;  // for the others that an encoder sees as one with them: fewer than EncoderInfo::frames
  bool admit(Frame &frame, bool live);
  BufferPtr buffer(const std::vector<Frame> &frames, const Tokens &tokens);
  std::vector<BufferPtr> tokens_of(Encoder &encoder, const EncoderInfo &info, std::vector<std::vector<Frame>> steps);

 public:
  Encoding(GstElement *element, Qos &qos, EncodingStats &stats)
      : element_(element), qos_(qos), stats_(stats) {
    flush();
  }
  /// PAUSED to READY.
  void reset();
  /// FLUSH_STOP.
  void flush();
  /// A caps change. What waits must have been finished. Throws ElementError where such frames cannot be encoded.
  void set_format(const GstVideoInfo &video, const EncoderInfo &info);
  const Grid &grid() const { return grid_; }
  /// One frame by the caps' framerate; 0: variable or not known. Any thread.
  int64_t frame_ns() const { return frame_ns_; }
  /// In time; anything else becomes time from 0 on, and frames get their times from the framerate.
  GstSegment set_segment(const GstSegment &segment);
  /// Small pictures shall travel with groups' first tokens, until reset(). Any thread.
  void want_pictures() { pictures_ = true; }
  /// A frame was lost before it came here.
  void lost() { lost_ = true; }
  /// One token buffer per frame, or per EncoderInfo::frames of a group, less those that are late, outside the segment or broken (a
  /// WARNING). Frames whose others have not come yet wait.
  std::vector<BufferPtr> encode(Encoder &encoder, const EncoderInfo &info, std::vector<BufferPtr> videos,
                                bool live);
  /// The same for frames that wait: no others will come.
  std::vector<BufferPtr> finish(Encoder &encoder, const EncoderInfo &info);
  bool waits() const { return !waiting_.empty(); }
};

}  // namespace vtok
