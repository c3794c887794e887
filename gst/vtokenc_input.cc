// vtokenc, the streaming thread: frames and serialised events into the queue, flushes past it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utility>

#include "gst/vtokenc.h"

#define GST_CAT_DEFAULT vtokenc_debug

namespace vtok {
namespace {

bool is(const EventPtr &event, GstEventTypeFlags flag) {
  return (gst_event_type_get_flags(GST_EVENT_TYPE(event.get())) & flag) != 0;
}

}  // namespace

GstFlowReturn VtokEnc::chain(BufferPtr video) {
  if (std::exchange(ask_live_, false)) live_ = upstream_is_live(sink_);
  const Settings settings = this->settings();
  ++stats_.frames_in;
  Item item = std::move(video);
  std::optional<Item> lost;
  const auto put = queue_.put_frame(item, settings.queue_size, when_full(settings.drop_policy, live_), lost);
  if (put == Queue<Item>::Put::kFlushing) return flow_;
  if (lost) {
    GstBuffer *frame = std::get<BufferPtr>(*lost).get();
    const GstClockTime pts = GST_BUFFER_PTS(frame);
    ++stats_.dropped_full;
    lost_ = true;
    qos_.post_dropped(element(), live_,
                      int64_t(gst_segment_to_running_time(&in_segment_, GST_FORMAT_TIME, pts)),
                      int64_t(gst_segment_to_stream_time(&in_segment_, GST_FORMAT_TIME, pts)), int64_t(pts),
                      int64_t(GST_BUFFER_DURATION(frame)));
  }
  return GST_FLOW_OK;
}

gboolean VtokEnc::sink_event(EventPtr event) {
  std::vector<Item> lost;
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_FLUSH_START:
      flow_ = GST_FLOW_FLUSHING;
      lost = queue_.flush(true);
      gst_pad_push_event(src_, event.release());
      gst_pad_pause_task(src_);
      // What tells about the whole stream outlives the flush.
      for (Item &item : lost)
        if (auto *kept = std::get_if<EventPtr>(&item)) refused_.push_back(std::move(*kept));
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      gst_pad_push_event(src_, event.release());
      encoding_.flush();
      qos_.forget();
      gst_segment_init(&in_segment_, GST_FORMAT_TIME);
      eos_ = false;
      for (EventPtr &kept : std::exchange(refused_, {})) {
        const GstEventType type = GST_EVENT_TYPE(kept.get());
        if (is(kept, GST_EVENT_TYPE_STICKY) && type != GST_EVENT_SEGMENT && type != GST_EVENT_EOS)
          guarded(element(), false, [&] { return forward(std::move(kept)), true; });
      }
      return activate_src(TRUE);
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event.get(), &in_segment_);
      if (in_segment_.format != GST_FORMAT_TIME) gst_segment_init(&in_segment_, GST_FORMAT_TIME);
      [[fallthrough]];
    case GST_EVENT_STREAM_START:
      ask_live_ = true;
      eos_ = false;
      break;
    case GST_EVENT_EOS:
      eos_ = true;
      break;
    default:
      break;
  }
  if (!is(event, GST_EVENT_TYPE_SERIALIZED)) return gst_pad_push_event(src_, event.release());
  const bool eos = GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS;
  Item item = std::move(event);
  if (queue_.put_event(item)) return TRUE;
  // The task failed, and no frame will follow to whom that could be returned.
  if (const GstFlowReturn flow = flow_;
      eos && (flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_NOT_NEGOTIATED))
    GST_ELEMENT_FLOW_ERROR(element(), flow);
  return FALSE;
}

gboolean VtokEnc::sink_query(GstQuery *query) {
  // Who asks wants the frames back, for a pool of another size.
  if (GST_QUERY_TYPE(query) == GST_QUERY_DRAIN && !queue_.wait_done()) return FALSE;
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default(sink_, GST_OBJECT(element()), query);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);  // any strides and offsets will do
  return TRUE;
}

}  // namespace vtok
