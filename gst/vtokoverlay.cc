// vtokoverlay, the element: pads, states, counts.
// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-vtokoverlay
 * @title: vtokoverlay
 * @short_description: draws kept, merged and dropped tokens over the video
 *
 * Takes the video on the pad `video` and visual tokens made of it on the pad `tokens`. Over each picture it
 * draws the cells of the newest source frame at or before its time: with a green frame where a token is kept
 * as it is, with an amber one, and the number of tokens it stands for, where others were merged into it,
 * darkened where none is left.
 *
 * A picture waits for the tokens of its time (`wait`): in a live pipeline as long as the LATENCY query of the
 * branch of the tokens says, and what elements before it can hold back allows; else for as long as tokens or
 * GAPs go on coming or #vtokenc has frames to work on. Where nothing has come for two seconds, as when a
 * queue before `video` is full and no more frames reach the encoder, it goes on. Give the queue before
 * `video` room for what the tokens' branch holds back: a second with vtokspatial, a group with `vtoktemporal
 * mode=group`.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=60 pattern=ball ! tee name=t t. ! queue max-size-bytes=0
 * max-size-buffers=0 max-size-time=3000000000 ! vtokoverlay name=o ! fakesink t. ! queue ! vtokkeyframe !
 * vtokenc ! vtokspatial ! o.tokens
 * ]|
 */
#include "gst/vtokoverlay.h"

GST_DEBUG_CATEGORY(vtokoverlay_debug);
#define GST_CAT_DEFAULT vtokoverlay_debug

namespace vtok {
namespace {

// Queries and events about video go from `video` to `src` and back; nothing of `tokens` goes anywhere.
GstIterator *linked_pads(GstPad *pad, GstObject *parent) {
  const char *other = g_str_equal(GST_PAD_NAME(pad), "video") ? "src"
                      : g_str_equal(GST_PAD_NAME(pad), "src") ? "video"
                                                              : nullptr;
  GValue value = G_VALUE_INIT;
  if (!other) return nullptr;
  g_value_init(&value, GST_TYPE_PAD);
  g_value_take_object(&value, gst_element_get_static_pad(GST_ELEMENT(parent), other));
  GstIterator *one = gst_iterator_new_single(GST_TYPE_PAD, &value);
  g_value_unset(&value);
  return one;
}

}  // namespace

void VtokOverlay::class_init(GstElementClass *klass) {
  GST_DEBUG_CATEGORY_INIT(vtokoverlay_debug, "vtokoverlay", 0, "Visual token overlay");
  constexpr char kVideo[] = GST_VIDEO_CAPS_MAKE(GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS);
  add_pad_template(klass, "video", GST_PAD_SINK, kVideo);
  add_pad_template(klass, "tokens", GST_PAD_SINK, kTokenCaps);
  add_pad_template(klass, "src", GST_PAD_SRC, kVideo);
  klass->change_state = Hook<&VtokOverlay::change_state, GST_STATE_CHANGE_FAILURE>();
}

VtokOverlay::VtokOverlay(GstElement *object) : Element(object) {
  const auto add = [&](const char *name) {
    GstPad *pad = gst_pad_new_from_template(
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(object), name), name);
    gst_pad_set_iterate_internal_links_function(pad, linked_pads);
    gst_element_add_pad(object, pad);
    return pad;
  };
  video_ = add("video"), tokens_ = add("tokens"), src_ = add("src");
  for (GstPad *pad : {video_, src_}) GST_PAD_SET_PROXY_CAPS(pad);
  GST_PAD_SET_PROXY_ALLOCATION(video_);
  gst_pad_set_chain_function(video_, [](GstPad *, GstObject *parent, GstBuffer *frame) {
    return self<VtokOverlay>(parent).chain_video(BufferPtr(frame));
  });
  gst_pad_set_event_function(video_, [](GstPad *, GstObject *parent, GstEvent *event) {
    return self<VtokOverlay>(parent).video_event(event);
  });
  gst_pad_set_chain_function(tokens_, [](GstPad *, GstObject *parent, GstBuffer *buffer) {
    return self<VtokOverlay>(parent).chain_tokens(BufferPtr(buffer));
  });
  gst_pad_set_event_function(tokens_, [](GstPad *, GstObject *parent, GstEvent *event) {
    return self<VtokOverlay>(parent).tokens_event(event);
  });
  gst_pad_set_query_function(tokens_, [](GstPad *pad, GstObject *parent, GstQuery *query) -> gboolean {
    if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) return FALSE;
    return gst_pad_query_default(pad, parent, query);
  });
  gst_pad_set_event_function(src_, [](GstPad *, GstObject *parent, GstEvent *event) {
    return self<VtokOverlay>(parent).src_event(event);
  });
  gst_pad_set_query_function(src_, [](GstPad *, GstObject *parent, GstQuery *query) {
    return self<VtokOverlay>(parent).src_query(query);
  });
  gst_segment_init(&video_segment_, GST_FORMAT_TIME);
  gst_segment_init(&tokens_segment_, GST_FORMAT_TIME);
  gst_video_info_init(&format_);
}

GstStructure *VtokOverlay::stats() const {
  return gst_structure_new("vtokoverlay", "frames", G_TYPE_UINT64, guint64(frames_), "drawn", G_TYPE_UINT64,
                           guint64(drawn_frames_), "before-tokens", G_TYPE_UINT64, guint64(early_),
                           "tokens-in", G_TYPE_UINT64, guint64(tokens_in_), "dropped-bad-tokens",
                           G_TYPE_UINT64, guint64(bad_), "dropped-full", G_TYPE_UINT64, guint64(lost_),
                           "wait-ms", G_TYPE_DOUBLE, double(waited_) / 1e6, nullptr);
}

GstStateChangeReturn VtokOverlay::change_state(GstStateChange change) {
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED) {
    for (auto *count : {&frames_, &drawn_frames_, &early_, &tokens_in_, &bad_, &lost_, &waited_}) *count = 0;
    this->change([&] {
      forget_tokens();
      stopped_ = video_flushing_ = tokens_flushing_ = live_ = false;
    });
    ask_live_ = true;
  }
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY) this->change([&] { stopped_ = true; });
  const auto result = GST_ELEMENT_CLASS(Holder<VtokOverlay>::parent_class)->change_state(element(), change);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY) {
    drawn_ = nullptr;
    drawing_ = nullptr;
    this->change([&] { forget_tokens(); });
  }
  return result;
}

bool register_vtokoverlay(GstPlugin *plugin) { return register_element<VtokOverlay>(plugin); }

}  // namespace vtok
