// Video frames by their thumbnails, frames of tokens by the tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/looking.h"

#include <optional>
#include <string>

#include "gst/bridge.h"
#include "gst/groups.h"
#include "gst/guarded.h"
#include "gst/thumbnail.h"
#include "models/error.h"

namespace vtok {
namespace {

class AtPictures : public Looking {
  const KeyframeMethod &row_;
  const std::unique_ptr<Selector<Thumbnail>> method_;
  Thumbnailer thumbnailer_;
  Thumbnail picture_;  // of the last frame that was looked at

 public:
  AtPictures(const KeyframeMethod &row, const GstVideoInfo &info)
      : row_(row), method_(row.make()), thumbnailer_(info) {}
  double threshold() const override { return row_.threshold; }
  double change(GstBuffer *frame) override {
    if (row_.looks) picture_ = thumbnailer_.make(frame);
    return method_->change(picture_);
  }
  void keep(GstBuffer *) override { method_->keep(picture_); }
  void reset() override { method_->reset(); }
  bool opens(GstBuffer *) const override {
    return false;
  }  // decoders and test sources leave DELTA_UNIT meaningless
  void mark(GstBuffer *frame, bool, uint64_t group) const override { set_video_group(frame, group); }
};

class AtTokens : public Looking {
  const KeyframeMethod &row_;
  const std::unique_ptr<Selector<Tokens>> method_;
  const StreamInfo info_;

  // Let go of at once: the last frame must not keep its buffer.
  Tokens tokens(GstBuffer *frame) const {
    if (!row_.looks) return {};
    TokenBuffer content = read_tokens(frame, info_);
    if (content.counts.replaces)
      throw BadTokens("these tokens replace those of a group: vtokkeyframe belongs before vtoktemporal");
    return std::move(content.tokens);
  }

 public:
  AtTokens(const KeyframeMethod &row, const GstCaps *caps)
      : row_(row), method_(row.make_for_tokens()), info_(caps) {}
  double threshold() const override { return row_.token_threshold; }
  double change(GstBuffer *frame) override { return method_->change(tokens(frame)); }
  void keep(GstBuffer *frame) override { method_->keep(tokens(frame)); }
  void reset() override { method_->reset(); }
  bool opens(GstBuffer *frame) const override {
    return !GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DELTA_UNIT);
  }
  void mark(GstBuffer *frame, bool starts, uint64_t group) const override {
    if (starts)
      GST_BUFFER_FLAG_UNSET(frame, GST_BUFFER_FLAG_DELTA_UNIT);
    else
      GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DELTA_UNIT);
    GstVtokCounts counts;
    if (!gst_vtok_buffer_get_counts(frame, &counts)) return;
    counts.group = group;
    gst_vtok_buffer_set_counts(frame, &counts);
  }
};

}  // namespace

std::unique_ptr<Looking> look_at(const KeyframeMethod &method, const GstCaps *caps) {
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), GST_VTOK_MEDIA_TYPE)) {
    if (!method.make_for_tokens)
      throw ElementError(wrong_caps(),
                         std::string("method ") + method.name +
                             " looks at pictures, and these are tokens: put vtokkeyframe before vtokenc");
    return std::make_unique<AtTokens>(method, caps);
  }
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) throw ElementError(wrong_caps(), "these are no raw video caps");
  return std::make_unique<AtPictures>(method, info);
}

}  // namespace vtok
