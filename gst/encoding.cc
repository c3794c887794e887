// Frames in, token buffers out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/encoding.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gst/guarded.h"
#include "gst/open_group.h"
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
  waiting_.clear();
  starts_.restart();
}

void Encoding::set_format(const GstVideoInfo &video, const EncoderInfo &info) {
  try {
    grid_ = info.grid_of ? info.grid_of(GST_VIDEO_INFO_WIDTH(&video), GST_VIDEO_INFO_HEIGHT(&video))
                         : Grid{info.grid_width, info.grid_height};
  } catch (const BadTokens &error) {
    throw ElementError(wrong_caps(), error.what());
  }
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

BufferPtr Encoding::buffer(const std::vector<Frame> &frames, const Tokens &tokens) {
  const Frame &frame = frames.front(), &last = frames.back();
  GstVtokCounts counts{};
  counts.grid_width = guint(grid_.width);
  counts.grid_height = guint(grid_.height);
  counts.frames = guint(frames.size());
  counts.source_tokens = guint64(tokens.n);
  counts.group = frame.group;
  BufferPtr out = write_tokens(tokens, counts, nullptr);
  GST_BUFFER_PTS(out.get()) = frame.pts;
  GST_BUFFER_DURATION(out.get()) = frame.duration;
  if (frames.size() > 1 && GST_CLOCK_TIME_IS_VALID(last.duration) && last.pts >= frame.pts)
    GST_BUFFER_DURATION(out.get()) = last.pts + last.duration - frame.pts;
  if (!frame.starts) GST_BUFFER_FLAG_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  for (const Frame &one : frames)
    if (one.after_loss || GST_BUFFER_FLAG_IS_SET(one.video.get(), GST_BUFFER_FLAG_DISCONT))
      GST_BUFFER_FLAG_SET(out.get(), GST_BUFFER_FLAG_DISCONT);
  gst_buffer_foreach_meta(frame.video.get(), copy_reference, out.get());
  if (frame.starts && pictures_ && frame.rgb.picture.device < 0)
    set_picture(out.get(), shrink(frame.rgb.picture));
  stats_.groups += frame.starts;
  stats_.frames_out += frames.size();
  stats_.tokens_out += uint64_t(tokens.n);
  qos_.processed += frames.size();
  return out;
}

std::vector<BufferPtr> Encoding::tokens_of(Encoder &encoder, const EncoderInfo &info,
                                           std::vector<std::vector<Frame>> steps) {
  if (steps.empty()) return {};
  std::vector<Picture> pictures;
  for (const std::vector<Frame> &step : steps)
    for (int i = 0; i < info.frames; ++i)  // a last frame stands for those that do not come
      pictures.push_back(step[std::min(size_t(i), step.size() - 1)].rgb.picture);
  std::vector<Tokens> tokens;
  {
    Stopwatch encoding(stats_.encode_ns);
    tokens = encoder.encode(pictures);
  }
  std::vector<BufferPtr> buffers;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (info.middle)
      shift(tokens.at(i).records, int64_t(steps[i].back().pts - steps[i].front().pts) / 2);
    buffers.push_back(buffer(steps[i], tokens[i]));
  }
  return buffers;
}

std::vector<BufferPtr> Encoding::encode(Encoder &encoder, const EncoderInfo &info,
                                        std::vector<BufferPtr> videos, bool live) {
  if (!rgb_) throw ElementError(wrong_caps(), "a video frame came before its caps");
  std::vector<std::vector<Frame>> steps;
  const auto close = [&] {
    if (!waiting_.empty()) steps.push_back(std::exchange(waiting_, {}));
  };
  {
    Stopwatch converting(stats_.convert_ns);
    for (BufferPtr &video : videos) {
      Frame frame{std::move(video), 0, 0, {}, false, false, 0};
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
      frame.starts = starts_.starts(frame.video.get());
      frame.group = starts_.group();
      if (frame.starts) close();
      waiting_.push_back(std::move(frame));
      if (waiting_.size() == size_t(info.frames)) close();
    }
  }
  return tokens_of(encoder, info, std::move(steps));
}

std::vector<BufferPtr> Encoding::finish(Encoder &encoder, const EncoderInfo &info) {
  std::vector<std::vector<Frame>> steps;
  if (!waiting_.empty()) steps.push_back(std::exchange(waiting_, {}));
  return tokens_of(encoder, info, std::move(steps));
}

}  // namespace vtok
