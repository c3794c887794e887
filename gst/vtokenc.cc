// vtokenc: video frames to visual tokens, one buffer per frame, in a thread of its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The streaming thread puts frames and serialised events into one queue; the source pad's task takes them out
// in that order, so that caps, segments, GAPs and EOS stay where they were among the frames. Frames are held
// back while the model loads, events are not: the caps go out at once.

/**
 * SECTION:element-vtokenc
 * @title: vtokenc
 * @short_description: Encodes video frames as visual tokens
 *
 * Resizes and normalises each frame as the model's own processor does, runs the vision tower, the projector
 * and the pooling, and pushes the frame's tokens as one buffer of application/x-visual-tokens. Any raw video
 * format is taken; packed RGB needs no conversion. Models known to work: LLaVA-OneVision folders as Hugging
 * Face keeps them, and `tiny`, which comes with gst-vtok.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vtokenc ! fakesink silent=false -v
 * ]|
 */
#include <algorithm>
#include <atomic>
#include <utility>
#include <variant>

#include "gst/element.h"
#include "gst/encoding.h"
#include "gst/loader.h"
#include "gst/model.h"

GST_DEBUG_CATEGORY_STATIC(vtokenc_debug);
#define GST_CAT_DEFAULT vtokenc_debug

namespace vtok {
namespace {

constexpr unsigned kAutoBatch = 8;  // frames; more gain nothing on a CPU and little on a GPU

struct VtokEncSettings {
  ModelSettings model;
  unsigned batch = 0, queue_size = 16;
  DropPolicy drop_policy = DropPolicy::kAuto;
  template <class V>
  void each(V &&v) {
    model.each(v);
    v(batch, "batch", "Most frames encoded at once, of those that wait; 0: as suits the device", 0u, 64u,
      Access::kPlaying);
    v(drop_policy, "drop-policy", "Which frame a full queue loses", drop_policies(), Access::kPlaying);
    v(queue_size, "queue-size", "Frames that may wait", 1u, 1024u, Access::kPlaying);
  }
};

struct UnrefEvent {
  void operator()(GstEvent *event) const { gst_event_unref(event); }
};
using EventPtr = std::unique_ptr<GstEvent, UnrefEvent>;
bool is(const EventPtr &event, GstEventTypeFlags flag) {
  return (gst_event_type_get_flags(GST_EVENT_TYPE(event.get())) & flag) != 0;
}

class VtokEnc : public Element<GstElement, VtokEncSettings> {
  using Item = std::variant<BufferPtr, EventPtr>;
  GstPad *sink_, *src_;
  Queue<Item> queue_;
  Loader<Encoder> loader_;
  Qos qos_;
  EncodingStats stats_;
  std::atomic<GstFlowReturn> flow_{GST_FLOW_FLUSHING};
  std::atomic<bool> live_{false}, lost_{false}, eos_{false};
  Delay delay_;

  // Of READY and above.
  std::shared_ptr<const Checkpoint> checkpoint_;
  EncoderInfo info_;
  Placement placement_;
  // Of the streaming thread.
  GstSegment in_segment_;
  bool ask_live_ = true;
  // Of the task, and of a flush while it is paused.
  Encoding encoding_;
  std::vector<EventPtr> refused_;  // by a flush; what is sticky is sent after it
  CapsPtr caps_;

  // Pads.
  GstFlowReturn chain(BufferPtr video);
  gboolean sink_event(EventPtr event);
  gboolean sink_query(GstQuery *query);
  gboolean src_event(GstEvent *event);
  gboolean src_query(GstQuery *query);
  gboolean activate_src(gboolean active);
  // The task.
  void work();
  GstFlowReturn encode(BufferPtr first);
  void forward(EventPtr event);
  bool set_caps(GstCaps *video);
  void check_downstream();

 public:
  static constexpr ElementInfo kInfo{"vtokenc", "GstVtokEnc", "Visual token encoder",
                                     "Inference/Encoder/Video",
                                     "Turns video frames into visual tokens for a language model"};
  static void class_init(GstElementClass *klass) {
    GST_DEBUG_CATEGORY_INIT(vtokenc_debug, "vtokenc", 0, "visual token encoder");
    // RGB first: who may choose saves the conversion.
    add_pad_template(klass, "sink", GST_PAD_SINK,
                     GST_VIDEO_CAPS_MAKE("RGB") "; " GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL));
    add_pad_template(klass, "src", GST_PAD_SRC,
                     GST_VTOK_MEDIA_TYPE
                     ", type=(string){ float32, bfloat16, float16 }, stream-format=(string)raw");
    klass->change_state = Hook<&VtokEnc::change_state, GST_STATE_CHANGE_FAILURE>();
  }
  explicit VtokEnc(GstElement *object);
  GstStateChangeReturn change_state(GstStateChange change);
  GstStructure *stats() const;
};

VtokEnc::VtokEnc(GstElement *object) : Element(object), encoding_(object, qos_, stats_) {
  GstElementClass *klass = GST_ELEMENT_GET_CLASS(object);
  sink_ = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "sink"), "sink");
  src_ = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "src"), "src");
  gst_pad_set_chain_function(sink_, [](GstPad *, GstObject *parent, GstBuffer *video) {
    return self<VtokEnc>(parent).chain(BufferPtr(video));
  });
  gst_pad_set_event_function(sink_, [](GstPad *, GstObject *parent, GstEvent *event) {
    return self<VtokEnc>(parent).sink_event(EventPtr(event));
  });
  gst_pad_set_query_function(sink_, [](GstPad *, GstObject *parent, GstQuery *query) {
    return self<VtokEnc>(parent).sink_query(query);
  });
  gst_pad_set_event_function(src_, [](GstPad *, GstObject *parent, GstEvent *event) {
    return self<VtokEnc>(parent).src_event(event);
  });
  gst_pad_set_query_function(src_, [](GstPad *, GstObject *parent, GstQuery *query) {
    return self<VtokEnc>(parent).src_query(query);
  });
  gst_pad_set_activatemode_function(src_, [](GstPad *, GstObject *parent, GstPadMode mode, gboolean active) {
    return gboolean(mode == GST_PAD_MODE_PUSH && self<VtokEnc>(parent).activate_src(active));
  });
  gst_pad_use_fixed_caps(src_);
  gst_element_add_pad(object, sink_);
  gst_element_add_pad(object, src_);
  gst_segment_init(&in_segment_, GST_FORMAT_TIME);
}

GstStructure *VtokEnc::stats() const {
  const double frames = double(std::max<uint64_t>(stats_.frames_out, 1));
  return gst_structure_new(
      "vtokenc-stats", "frames-in", G_TYPE_UINT64, stats_.frames_in.load(), "frames-out", G_TYPE_UINT64,
      stats_.frames_out.load(), "tokens-out", G_TYPE_UINT64, stats_.tokens_out.load(), "groups",
      G_TYPE_UINT64, stats_.groups.load(), "dropped-full", G_TYPE_UINT64, stats_.dropped_full.load(),
      "dropped-late", G_TYPE_UINT64, stats_.dropped_late.load(), "dropped-bad", G_TYPE_UINT64,
      stats_.dropped_bad.load(), "convert-ms", G_TYPE_DOUBLE, double(stats_.convert_ns) / 1e6 / frames,
      "encode-ms", G_TYPE_DOUBLE, double(stats_.encode_ns) / 1e6 / frames, "queue", G_TYPE_UINT,
      guint(queue_.frames()), nullptr);
}

GstStateChangeReturn VtokEnc::change_state(GstStateChange change) {
  const ModelSettings settings = this->settings().model;
  if (change == GST_STATE_CHANGE_NULL_TO_READY) {
    checkpoint_ = open_model(settings);
    info_ = checked(settings_failure(), [&] { return describe_encoder(*checkpoint_); });
  } else if (change == GST_STATE_CHANGE_READY_TO_PAUSED) {
    placement_ =
        checked(settings_failure(), [&] { return resolve_placement(settings.device, settings.dtype); });
    queue_.hold(true);
    loader_.start(
        element(), "the encoder of " + checkpoint_->folder,
        [checkpoint = checkpoint_, placement = placement_](const Progress &progress) {
          return load_encoder(checkpoint, placement, progress);
        },
        [this] { queue_.hold(false); });
  }
  const auto result = GST_ELEMENT_CLASS(Holder<VtokEnc>::parent_class)->change_state(element(), change);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (change == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)) {
    loader_.stop();
    encoding_.reset();
    qos_.reset();
    stats_.reset();
    caps_ = nullptr;
    refused_.clear();
    delay_.reset();
    eos_ = false;
    ask_live_ = true;
  } else if (change == GST_STATE_CHANGE_READY_TO_NULL) {
    checkpoint_ = nullptr;
  }
  return result;
}

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
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default(sink_, GST_OBJECT(element()), query);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);  // any strides and offsets will do
  return TRUE;
}

gboolean VtokEnc::src_event(GstEvent *event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) qos_.observe(event, encoding_.frame_ns());
  return gst_pad_push_event(sink_, event);
}

gboolean VtokEnc::src_query(GstQuery *query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(src_, GST_OBJECT(element()), query);
  if (!gst_pad_peer_query(sink_, query)) return FALSE;
  gboolean live;
  gst_query_parse_latency(query, &live, nullptr, nullptr);
  const Settings settings = this->settings();
  delay_.add_to(query, when_full(settings.drop_policy, live), settings.queue_size * encoding_.frame_ns());
  return TRUE;
}

void VtokEnc::work() {
  auto item = queue_.take();
  if (!item) {
    gst_pad_pause_task(src_);
    return;
  }
  const GstFlowReturn flow = guarded(element(), GST_FLOW_ERROR, [&] {
    if (auto *video = std::get_if<BufferPtr>(&*item)) return encode(std::move(*video));
    forward(std::move(std::get<EventPtr>(*item)));
    return GST_FLOW_OK;
  });
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
  if (gst_pad_check_reconfigure(src_)) check_downstream();
  for (BufferPtr &buffer : buffers)
    if (const GstFlowReturn flow = gst_pad_push(src_, buffer.release()); flow != GST_FLOW_OK) return flow;
  return GST_FLOW_OK;
}

void VtokEnc::forward(EventPtr event) {
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_CAPS) {
    GstCaps *video;
    gst_event_parse_caps(event.get(), &video);
    if (!set_caps(video) && GST_PAD_IS_FLUSHING(src_)) refused_.push_back(std::move(event));
    return;
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
}

bool VtokEnc::set_caps(GstCaps *video) {
  GstVideoInfo format;
  if (!gst_video_info_from_caps(&format, video)) {
    const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_caps_to_string(video), g_free);
    throw ElementError(wrong_caps(), std::string("no raw video that can be encoded: ") + text.get());
  }
  encoding_.set_format(format);
  StreamInfo info;
  info.set_space(info_.space);
  info.set_extras("none");
  info.fields().type = type_of(placement_.type);
  info.fields().hidden_size = info_.hidden_size;
  info.fields().grid_width = info_.grid_width;
  info.fields().grid_height = info_.grid_height;
  info.fields().max_tokens = info_.grid_width * info_.grid_height;
  info.fields().fps_n = format.fps_n;
  info.fields().fps_d = format.fps_d;
  CapsPtr caps = info.caps();
  if (caps_ && gst_caps_is_equal(caps_.get(), caps.get()) && gst_pad_has_current_caps(src_)) return true;
  caps_ = std::move(caps);
  GST_INFO_OBJECT(element(), "%" GST_PTR_FORMAT, caps_.get());
  check_downstream();
  return gst_pad_push_event(src_, gst_event_new_caps(caps_.get()));
}

// Says what does not fit; without this the user would read "not-negotiated" only.
void VtokEnc::check_downstream() {
  const CapsPtr wanted(gst_pad_peer_query_caps(src_, nullptr));
  if (!caps_ || gst_caps_can_intersect(caps_.get(), wanted.get())) return;
  const GstStructure *taker =
      gst_caps_is_empty(wanted.get()) ? nullptr : gst_caps_get_structure(wanted.get(), 0);
  const gchar *space = taker ? gst_structure_get_string(taker, "space") : nullptr;
  if (space && info_.space != space)
    throw ElementError(wrong_caps(), "these tokens are of the space " + info_.space +
                                         ", downstream takes tokens of the space " + space);
  const std::unique_ptr<gchar, void (*)(gpointer)> made(gst_caps_to_string(caps_.get()), g_free),
      taken(gst_caps_to_string(wanted.get()), g_free);
  throw ElementError(wrong_caps(), std::string("downstream does not take these tokens: they are ") +
                                       made.get() + ", it takes " + taken.get());
}

}  // namespace

bool register_vtokenc(GstPlugin *plugin) { return register_element<VtokEnc>(plugin); }

}  // namespace vtok
