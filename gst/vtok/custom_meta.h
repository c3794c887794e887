// Fields of our own on buffers: custom metas without tags, which elements that know nothing of them hand on.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <mutex>

namespace vtok {

/// Of the meta `name`; null where the buffer has none.
inline GstStructure *meta_fields(GstBuffer *buffer, const char *name) {
  static std::mutex mutex;  // a name is registered once per process, whichever of our libraries comes first
  {
    const std::lock_guard lock(mutex);
    static const gchar *tags[] = {nullptr};
    if (!gst_meta_get_info(name)) gst_meta_register_custom(name, tags, nullptr, nullptr, nullptr);
  }
  GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, name);
  return meta ? gst_custom_meta_get_structure(meta) : nullptr;
}

/// Of the meta `name`, which is put on a writable buffer that has none.
inline GstStructure *add_meta_fields(GstBuffer *buffer, const char *name) {
  if (GstStructure *fields = meta_fields(buffer, name)) return fields;
  return gst_custom_meta_get_structure(gst_buffer_add_custom_meta(buffer, name));
}

}  // namespace vtok
