// vtokenc, the caps: what the tokens are, and whether downstream takes them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/vtokenc.h"

#define GST_CAT_DEFAULT vtokenc_debug

namespace vtok {

bool VtokEnc::set_caps(GstCaps *video) {
  GstVideoInfo format;
  if (!gst_video_info_from_caps(&format, video)) {
    const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_caps_to_string(video), g_free);
    throw ElementError(wrong_caps(), std::string("no raw video that can be encoded: ") + text.get());
  }
  encoding_.set_format(format, info_);
  StreamInfo info;
  info.set_space(info_.space);
  info.set_extras("none");
  info.fields().type = type_of(placement_.type);
  info.fields().hidden_size = info_.hidden_size;
  info.fields().levels = info_.levels;
  const Grid &grid = encoding_.grid();
  info.fields().grid_width = grid.width;
  info.fields().grid_height = grid.height;
  info.fields().max_tokens = grid.width * grid.height;
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

}  // namespace vtok
