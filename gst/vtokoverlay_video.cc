// vtokoverlay, the video: waits for the tokens of its time, is drawn on, goes through.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>

#include "gst/busy.h"
#include "gst/vtokoverlay.h"

#define GST_CAT_DEFAULT vtokoverlay_debug

namespace vtok {
namespace {

constexpr auto kPatience =
    std::chrono::seconds(2);  // files: a picture waits so long for a sign of the tokens

}  // namespace

GstFlowReturn VtokOverlay::chain_video(BufferPtr frame) {
  ++frames_;
  if (std::exchange(ask_live_, false)) {
    GstQuery *latency = gst_query_new_latency();
    src_query(latency);
    gst_query_unref(latency);
  }
  const GstClockTime at =
      gst_segment_to_running_time(&video_segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(frame.get()));
  std::shared_ptr<const KeptCells> cells;
  if (GST_CLOCK_TIME_IS_VALID(at)) {
    std::unique_lock lock(mutex_);
    if (!await_tokens(lock, at)) return GST_FLOW_FLUSHING;
    cells = kept_.at(at);
    changed_.notify_all();  // there may be room again
  }
  if (cells) frame = drawn(std::move(frame), std::move(cells));
  return gst_pad_push(src_, frame.release());
}

// False: the video is flushing.
bool VtokOverlay::await_tokens(std::unique_lock<std::mutex> &lock, GstClockTime at) {
  const auto flushing = [this] { return stopped_ || video_flushing_; };
  const auto known = [&] { return at < known_ || tokens_over_; };
  const auto start = std::chrono::steady_clock::now();
  if (gst_pad_is_linked(tokens_) && settings().wait && !known()) {
    if (live_) wait_live(lock, at);
    while (!live_ && !stalled_ && !known() && !flushing()) {
      const uint64_t before = arrivals_;
      const auto news = [&] { return arrivals_ != before || known() || flushing() || live_; };
      if (changed_.wait_for(lock, kPatience, news)) continue;
      lock.unlock();
      const bool busy = upstream_is_busy(tokens_);  // a model that loads, or is slow
      lock.lock();
      stalled_ = !busy && !news();
      if (stalled_) GST_INFO_OBJECT(element(), "no tokens for %" GST_TIME_FORMAT, GST_TIME_ARGS(at));
    }
    waited_ += uint64_t(std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count());
  }
  early_ += !known();
  return !flushing();
}

void VtokOverlay::wait_live(std::unique_lock<std::mutex> &lock, GstClockTime at) {
  GstClock *clock = gst_element_get_clock(element());
  if (!clock) return;
  const GstClockTimeDiff left =
      GST_CLOCK_DIFF(gst_clock_get_time(clock), gst_element_get_base_time(element()) + at + hold_);
  gst_object_unref(clock);
  changed_.wait_for(lock, std::chrono::nanoseconds(std::max<GstClockTimeDiff>(left, 0)),
                    [&] { return at < known_ || tokens_over_ || stopped_ || video_flushing_; });
}

BufferPtr VtokOverlay::drawn(BufferPtr frame, std::shared_ptr<const KeptCells> cells) {
  const DrawingStyle style = settings().style;
  if (!drawing_ || cells != drawn_ || style != drawn_style_) {
    drawing_.reset(compose_cells(*cells, style, format_.width, format_.height));
    drawn_ = std::move(cells);
    drawn_style_ = style;
  }
  frame.reset(gst_buffer_make_writable(frame.release()));
  GstVideoFrame picture;
  if (gst_video_frame_map(&picture, &format_, frame.get(), GST_MAP_READWRITE)) {
    gst_video_overlay_composition_blend(drawing_.get(), &picture);
    gst_video_frame_unmap(&picture);
    ++drawn_frames_;
  }
  return frame;
}

gboolean VtokOverlay::video_event(GstEvent *event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps(event, &caps);
      if (!gst_video_info_from_caps(&format_, caps)) {
        gst_event_unref(event);
        return FALSE;
      }
      drawing_ = nullptr;
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &video_segment_);
      if (video_segment_.format != GST_FORMAT_TIME) gst_segment_init(&video_segment_, GST_FORMAT_TIME);
      break;
    case GST_EVENT_FLUSH_START:
      change([&] { video_flushing_ = true; });
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&video_segment_, GST_FORMAT_TIME);
      change([&] { video_flushing_ = stalled_ = false; });
      break;
    default:
      break;
  }
  return gst_pad_event_default(video_, GST_OBJECT(element()), event);
}

gboolean VtokOverlay::src_event(GstEvent *event) {
  // A late picture is no reason to leave out tokens; everything else is for both.
  if (GST_EVENT_TYPE(event) != GST_EVENT_QOS && gst_pad_is_linked(tokens_))
    gst_pad_push_event(tokens_, gst_event_ref(event));
  return gst_pad_push_event(video_, event);
}

// Pictures are held back for as long as the tokens are later, and as elements before us can hold the others
// back.
gboolean VtokOverlay::src_query(GstQuery *query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(src_, GST_OBJECT(element()), query);
  if (!gst_pad_peer_query(video_, query)) return FALSE;
  gboolean live, tokens_live = FALSE;
  GstClockTime min, max, tokens_min = 0, hold = 0;
  gst_query_parse_latency(query, &live, &min, &max);
  GstQuery *tokens = gst_query_new_latency();
  if (gst_pad_peer_query(tokens_, tokens))
    gst_query_parse_latency(tokens, &tokens_live, &tokens_min, nullptr);
  gst_query_unref(tokens);
  if (live && tokens_live && settings().wait && tokens_min > min) hold = tokens_min - min;
  if (GST_CLOCK_TIME_IS_VALID(max)) hold = std::min(hold, max > min ? max - min : 0);
  gst_query_set_latency(query, live, min + hold, max);
  change([&] {
    live_ = live;
    hold_ = hold;
  });
  return TRUE;
}

}  // namespace vtok
