// GstVtokMeta: the counts of a token buffer, as a GstCustomMeta of serialisable fields only.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/vtok/vtok.h"

namespace {

constexpr gchar kMeta[] = "GstVtokMeta";
constexpr const gchar *kExtraN[GST_VTOK_MAX_EXTRAS] = {"extra-0-n", "extra-1-n", "extra-2-n", "extra-3-n"};

// Without tags, so that elements which know nothing of it hand it on.
void register_meta() {
  static const GstMetaInfo *info = [] {
    static const gchar *tags[] = {nullptr};
    return gst_meta_register_custom(kMeta, tags, nullptr, nullptr, nullptr);
  }();
  g_assert(info);
}

}  // namespace

void gst_vtok_buffer_set_counts(GstBuffer *buffer, const GstVtokCounts *counts) {
  g_return_if_fail(gst_buffer_is_writable(buffer));
  register_meta();
  GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, kMeta);
  if (!meta) meta = gst_buffer_add_custom_meta(buffer, kMeta);
  GstStructure *s = gst_custom_meta_get_structure(meta);
  gst_structure_set(s, "n", G_TYPE_UINT, counts->n, "grid-width", G_TYPE_UINT, counts->grid_width,
                    "grid-height", G_TYPE_UINT, counts->grid_height, "frames", G_TYPE_UINT, counts->frames,
                    "source-tokens", G_TYPE_UINT64, counts->source_tokens, "group", G_TYPE_UINT64,
                    counts->group, "replaces", G_TYPE_BOOLEAN, counts->replaces, nullptr);
  for (guint i = 0; i < GST_VTOK_MAX_EXTRAS; ++i) {
    if (counts->extras_n[i])
      gst_structure_set(s, kExtraN[i], G_TYPE_UINT, counts->extras_n[i], nullptr);
    else
      gst_structure_remove_field(s, kExtraN[i]);
  }
}

gboolean gst_vtok_buffer_get_counts(GstBuffer *buffer, GstVtokCounts *counts) {
  register_meta();
  GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, kMeta);
  if (!meta) return FALSE;
  const GstStructure *s = gst_custom_meta_get_structure(meta);
  GstVtokCounts found = {};
  if (!gst_structure_get(s, "n", G_TYPE_UINT, &found.n, "grid-width", G_TYPE_UINT, &found.grid_width,
                         "grid-height", G_TYPE_UINT, &found.grid_height, "frames", G_TYPE_UINT, &found.frames,
                         "source-tokens", G_TYPE_UINT64, &found.source_tokens, "group", G_TYPE_UINT64,
                         &found.group, "replaces", G_TYPE_BOOLEAN, &found.replaces, nullptr))
    return FALSE;
  for (guint i = 0; i < GST_VTOK_MAX_EXTRAS; ++i) gst_structure_get_uint(s, kExtraN[i], &found.extras_n[i]);
  *counts = found;
  return TRUE;
}
