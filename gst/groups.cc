// Group starts on video buffers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/groups.h"

#include "gst/vtok/custom_meta.h"

namespace vtok {
namespace {

constexpr char kMeta[] = "GstVtokVideoGroup";
constexpr char kField[] = "group";

}  // namespace

void set_video_group(GstBuffer *video, uint64_t group) {
  gst_structure_set(add_meta_fields(video, kMeta), kField, G_TYPE_UINT64, guint64(group), nullptr);
}

std::optional<uint64_t> video_group(GstBuffer *video) {
  const GstStructure *fields = meta_fields(video, kMeta);
  guint64 group;
  if (!fields || !gst_structure_get_uint64(fields, kField, &group)) return {};
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
