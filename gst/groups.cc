// Group starts on video buffers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/groups.h"

namespace vtok {
namespace {

constexpr char kMeta[] = "GstVtokVideoGroup";
constexpr char kField[] = "group";

// No tag: converters and scalers hand it on. Registered once per process, though this file is linked into the
// plugin and into programs that test it.
void register_meta() {
  static const GstMetaInfo *info = [] {
    if (const GstMetaInfo *known = gst_meta_get_info(kMeta)) return known;
    static const gchar *tags[] = {nullptr};
    return gst_meta_register_custom(kMeta, tags, nullptr, nullptr, nullptr);
  }();
  g_assert(info);
}

}  // namespace

void set_video_group(GstBuffer *video, uint64_t group) {
  register_meta();
  GstCustomMeta *meta = gst_buffer_get_custom_meta(video, kMeta);
  if (!meta) meta = gst_buffer_add_custom_meta(video, kMeta);
  gst_structure_set(gst_custom_meta_get_structure(meta), kField, G_TYPE_UINT64, guint64(group), nullptr);
}

std::optional<uint64_t> video_group(GstBuffer *video) {
  register_meta();
  GstCustomMeta *meta = gst_buffer_get_custom_meta(video, kMeta);
  guint64 group;
  if (!meta || !gst_structure_get_uint64(gst_custom_meta_get_structure(meta), kField, &group)) return {};
  return group;
}

bool GroupStarts::starts(GstBuffer *video) {
  const auto marked = video_group(video);
  const bool start = restart_ || (marked && marked != marked_);
  if (start && any_) ++group_;
  any_ = true;
  restart_ = false;
  marked_ = marked;
  return start;
}

}  // namespace vtok
