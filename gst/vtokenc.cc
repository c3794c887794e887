// vtokenc, the element: pads, states, counts.
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-vtokenc
 * @title: vtokenc
 * @short_description: Encodes video frames as visual tokens
 *
 * Resizes and normalises each frame as the model's own processor does, runs the vision tower, the projector
 * and the pooling, and pushes the frame's tokens as one buffer of application/x-visual-tokens. Any raw video
 * format is taken; packed RGB needs no conversion. Models known to work: folders of the families in README, as
 * Hugging Face keeps them, `tiny`, which comes with gst-vtok, and folders with an exported encoder beside
 * encoder.json (docs/encoders.md). Those of Qwen see two frames as one: a buffer
 * then has the tokens of two frames of a group, of its last one alone where there is no other.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vtokenc ! fakesink silent=false -v
 * ]|
 */
#include "gst/vtokenc.h"

GST_DEBUG_CATEGORY(vtokenc_debug);
#define GST_CAT_DEFAULT vtokenc_debug

namespace vtok {

void VtokEnc::class_init(GstElementClass *klass) {
  GST_DEBUG_CATEGORY_INIT(vtokenc_debug, "vtokenc", 0, "visual token encoder");
  // RGB first: who may choose saves the conversion.
  add_pad_template(klass, "sink", GST_PAD_SINK,
                   GST_VIDEO_CAPS_MAKE("RGB") "; " GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL));
  add_pad_template(klass, "src", GST_PAD_SRC,
                   GST_VTOK_MEDIA_TYPE
                   ", type=(string){ float32, bfloat16, float16 }, stream-format=(string)raw");
  klass->change_state = Hook<&VtokEnc::change_state, GST_STATE_CHANGE_FAILURE>();
}

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
      G_TYPE_UINT64, stats_.groups.load(), "formats", G_TYPE_UINT64, stats_.formats.load(), "dropped-full", G_TYPE_UINT64, stats_.dropped_full.load(),
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

bool register_vtokenc(GstPlugin *plugin) { return register_element<VtokEnc>(plugin); }

}  // namespace vtok
