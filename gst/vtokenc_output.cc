// vtokenc, the source pad's task: batches of frames through the encoder, events in their places.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utility>

#include "gst/busy.h"
#include "gst/picture.h"
#include "gst/vtokenc.h"

#define GST_CAT_DEFAULT vtokenc_debug

namespace vtok {
namespace {

constexpr unsigned kAutoBatch = 8;  // frames; more gain nothing on a CPU and little on a GPU

}  // namespace

gboolean VtokEnc::activate_src(gboolean active) {
  if (active) {
    flow_ = GST_FLOW_OK;
    queue_.flush(false);
    return gst_pad_start_task(
        src_, [](gpointer pad) { self<VtokEnc>(GST_OBJECT_PARENT(pad)).work(); }, src_, nullptr);
  }
  flow_ = GST_FLOW_FLUSHING;
  queue_.flush(true);
  return gst_pad_stop_task(src_);
}

void VtokEnc::work() {
  auto item = queue_.take();
  if (!item) {
    gst_pad_pause_task(src_);
    return;
  }
  working_ = true;
  const GstFlowReturn flow = guarded(element(), GST_FLOW_ERROR, [&] {
    if (auto *video = std::get_if<BufferPtr>(&*item)) return encode(std::move(*video));
    return forward(std::move(std::get<EventPtr>(*item)));
  });
  working_ = false;
  if (flow == GST_FLOW_OK) return;
  GST_DEBUG_OBJECT(element(), "stopped: %s", gst_flow_get_name(flow));
  flow_ = flow;
  queue_.flush(true);
  gst_pad_pause_task(src_);
  if (eos_ && (flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_NOT_NEGOTIATED))
    GST_ELEMENT_FLOW_ERROR(element(), flow);
}

GstFlowReturn VtokEnc::encode(BufferPtr first) {
  auto encoder = loader_.model();
  if (!encoder) return GST_FLOW_ERROR;  // the loader has said why
  const unsigned batch = settings().batch;
  std::vector<BufferPtr> videos;
  videos.push_back(std::move(first));
  while (videos.size() < (batch ? batch : kAutoBatch)) {
    auto next = queue_.take_frame();
    if (!next) break;
    videos.push_back(std::move(std::get<BufferPtr>(*next)));
  }
  if (lost_.exchange(false)) encoding_.lost();
  const int64_t start = g_get_monotonic_time();
  auto buffers = encoding_.encode(*encoder, info_, std::move(videos), live_);
  GST_LOG_OBJECT(element(), "%zu frames encoded", buffers.size());
  if (!buffers.empty() && delay_.measure((g_get_monotonic_time() - start) * 1000) && live_)
    gst_element_post_message(element(), gst_message_new_latency(GST_OBJECT(element())));
  return push(std::move(buffers));
}

// No frames will come to those that wait.
GstFlowReturn VtokEnc::finish() {
  const auto encoder = encoding_.waits() ? loader_.model() : nullptr;
  return encoder ? push(encoding_.finish(*encoder, info_)) : GST_FLOW_OK;
}

GstFlowReturn VtokEnc::push(std::vector<BufferPtr> buffers) {
  if (gst_pad_check_reconfigure(src_)) check_downstream();
  for (BufferPtr &buffer : buffers)
    if (const GstFlowReturn flow = gst_pad_push(src_, buffer.release()); flow != GST_FLOW_OK) return flow;
  return GST_FLOW_OK;
}

GstFlowReturn VtokEnc::forward(EventPtr event) {
  const GstEventType type = GST_EVENT_TYPE(event.get());
  if (type == GST_EVENT_CAPS || type == GST_EVENT_SEGMENT || type == GST_EVENT_EOS || type == GST_EVENT_STREAM_START ||
      type == GST_EVENT_GAP)
    if (const GstFlowReturn flow = finish(); flow != GST_FLOW_OK) {
      if (flow == GST_FLOW_FLUSHING) refused_.push_back(std::move(event));
      return flow;
    }
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_CAPS) {
    GstCaps *video;
    gst_event_parse_caps(event.get(), &video);
    if (!set_caps(video) && GST_PAD_IS_FLUSHING(src_)) refused_.push_back(std::move(event));
    return GST_FLOW_OK;
  }
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_SEGMENT) {
    GstSegment segment;
    gst_event_copy_segment(event.get(), &segment);
    segment = encoding_.set_segment(segment);
    GstEvent *ours = gst_event_new_segment(&segment);
    gst_event_set_seqnum(ours, gst_event_get_seqnum(event.get()));
    event.reset(ours);
  }
  if (!gst_pad_push_event(src_, gst_event_ref(event.get())) && GST_PAD_IS_FLUSHING(src_))
    refused_.push_back(std::move(event));
  return GST_FLOW_OK;
}

gboolean VtokEnc::src_event(GstEvent *event) {
  if (wants_pictures(event)) {
    encoding_.want_pictures();
    gst_event_unref(event);
    return TRUE;
  }
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) qos_.observe(event, encoding_.frame_ns());
  return gst_pad_push_event(sink_, event);
}

gboolean VtokEnc::src_query(GstQuery *query) {
  if (answer_busy(query, working_ || queue_.frames() > 0)) return TRUE;
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(src_, GST_OBJECT(element()), query);
  if (!gst_pad_peer_query(sink_, query)) return FALSE;
  gboolean live;
  gst_query_parse_latency(query, &live, nullptr, nullptr);
  const Settings settings = this->settings();
  delay_.add_to(query, when_full(settings.drop_policy, live), settings.queue_size * encoding_.frame_ns(),
                (info_.frames - 1) * encoding_.frame_ns());
  return TRUE;
}

}  // namespace vtok
