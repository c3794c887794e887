// Frames in, token buffers out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/encoding.h"

#include <chrono>
#include <utility>

#include "gst/guarded.h"
#include "gst/picture.h"

namespace vtok {
namespace {

class Stopwatch {
  std::atomic<int64_t> &total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();

 public:
  explicit Stopwatch(std::atomic<int64_t> &total) : total_(total) {}
  ~Stopwatch() {
    total_ += std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_)
                  .count();
  }
};

// Reference timestamps (wall clock, RTP) travel on: clock=utc tells them.
gboolean copy_reference(GstBuffer *, GstMeta **meta, gpointer target) {
  if ((*meta)->info->api != GST_REFERENCE_TIMESTAMP_META_API_TYPE) return TRUE;
  auto *time = reinterpret_cast<GstReferenceTimestampMeta *>(*meta);
  gst_buffer_add_reference_timestamp_meta(static_cast<GstBuffer *>(target), time->reference, time->timestamp,
                                          time->duration);
  return TRUE;
}

}  // namespace

void Encoding::reset() {
  flush();
  starts_.reset();
  rgb_ = nullptr;
  pictures_ = false;
}

void Encoding::flush() {
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  next_pts_ = GST_CLOCK_TIME_NONE;
  lost_ = false;
  starts_.restart();
}

void Encoding::set_format(const GstVideoInfo &video) {
  rgb_ = std::make_unique<RgbConverter>(video);
  frame_ns_ = video.fps_n > 0 ? int64_t(gst_util_uint64_scale(GST_SECOND, video.fps_d, video.fps_n)) : 0;
  starts_.restart();
  ++stats_.formats;
}

GstSegment Encoding::set_segment(const GstSegment &segment) {
  if (segment.format == GST_FORMAT_TIME) {
    segment_ = segment;
  } else {
    gst_segment_init(&segment_, GST_FORMAT_TIME);
    segment_.rate = segment_.applied_rate = 1;
  }
  next_pts_ = GST_CLOCK_TIME_NONE;
  starts_.restart();
  return segment_;
}

// Gives the frame its times; false where it is outside the segment or too late.
bool Encoding::admit(Frame &frame, bool live) {
  GstBuffer *video = frame.video.get();
  frame.pts = GST_BUFFER_PTS(video);
  frame.duration = GST_BUFFER_DURATION(video);
  if (!GST_CLOCK_TIME_IS_VALID(frame.pts))
    frame.pts = GST_CLOCK_TIME_IS_VALID(next_pts_) ? next_pts_ : segment_.start;
  if (!GST_CLOCK_TIME_IS_VALID(frame.duration) && frame_ns_ > 0) frame.duration = GstClockTime(frame_ns());
  const GstClockTime span = GST_CLOCK_TIME_IS_VALID(frame.duration) ? frame.duration : 0;
  next_pts_ = frame.pts + span;
  if (!gst_segment_clip(&segment_, GST_FORMAT_TIME, frame.pts, frame.pts + span, nullptr, nullptr))
    return false;
  const GstClockTime running = gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, frame.pts);
  if (!GST_CLOCK_TIME_IS_VALID(running) || !qos_.late(int64_t(running + span))) return true;
  ++stats_.dropped_late;
  lost_ = true;
  qos_.post_dropped(element_, live, int64_t(running),
                    int64_t(gst_segment_to_stream_time(&segment_, GST_FORMAT_TIME, frame.pts)),
                    int64_t(frame.pts), int64_t(frame.duration));
  return false;
}

BufferPtr Encoding::buffer(const Frame &frame, const Tokens &tokens, const EncoderInfo &info) {
  GstBuffer *video = frame.video.get();
  const bool starts = starts_.starts(video);
  GstVtokCounts counts{};
  counts.grid_width = guint(info.grid_width);
  counts.grid_height = guint(info.grid_height);
  counts.frames = 1;
  counts.source_tokens = guint64(tokens.n);
  counts.group = starts_.group();
  BufferPtr out = write_tokens(tokens, counts, nullptr);
  GST_BUFFER_PTS(out.get()) = frame.pts;
  GST_BUFFER_DURATION(out.get()) = frame.duration;
  if (!starts) GST_BUFFER_FLAG_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  if (frame.after_loss || GST_BUFFER_FLAG_IS_SET(video, GST_BUFFER_FLAG_DISCONT))
    GST_BUFFER_FLAG_SET(out.get(), GST_BUFFER_FLAG_DISCONT);
  gst_buffer_foreach_meta(video, copy_reference, out.get());
  if (starts && pictures_ && frame.rgb.picture.device < 0) set_picture(out.get(), shrink(frame.rgb.picture));
  stats_.groups += starts;
  ++stats_.frames_out;
  stats_.tokens_out += uint64_t(tokens.n);
  ++qos_.processed;
  return out;
}

std::vector<BufferPtr> Encoding::encode(Encoder &encoder, const EncoderInfo &info,
                                        std::vector<BufferPtr> videos, bool live) {
  if (!rgb_) throw ElementError(wrong_caps(), "a video frame came before its caps");
  std::vector<Frame> frames;
  std::vector<Picture> pictures;
  {
    Stopwatch converting(stats_.convert_ns);
    for (BufferPtr &video : videos) {
      Frame frame{std::move(video), 0, 0, {}, false};
      if (!admit(frame, live)) continue;
      try {
        frame.rgb = rgb_->convert(frame.video.get());
      } catch (const BadTokens &error) {
        ++stats_.dropped_bad;
        lost_ = true;
        post_bad_tokens(element_, error);
        continue;
      }
      frame.after_loss = std::exchange(lost_, false);
      pictures.push_back(frame.rgb.picture);
      frames.push_back(std::move(frame));
    }
  }
  if (frames.empty()) return {};
  std::vector<Tokens> tokens;
  {
    Stopwatch encoding(stats_.encode_ns);
    tokens = encoder.encode(pictures);
  }
  std::vector<BufferPtr> buffers;
  for (size_t i = 0; i < frames.size(); ++i) buffers.push_back(buffer(frames[i], tokens.at(i), info));
  return buffers;
}

}  // namespace vtok
