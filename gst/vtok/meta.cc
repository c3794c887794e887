// GstVtokMeta: the counts of a token buffer, as a GstCustomMeta of serialisable fields only.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/vtok/custom_meta.h"
#include "gst/vtok/vtok.h"

namespace {

constexpr gchar kMeta[] = "GstVtokMeta";
constexpr const gchar *kExtraN[GST_VTOK_MAX_EXTRAS] = {"extra-0-n", "extra-1-n", "extra-2-n", "extra-3-n"};

}  // namespace

void gst_vtok_buffer_set_counts(GstBuffer *buffer, const GstVtokCounts *counts) {
  g_return_if_fail(gst_buffer_is_writable(buffer));
  GstStructure *s = vtok::add_meta_fields(buffer, kMeta);
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
  const GstStructure *s = vtok::meta_fields(buffer, kMeta);
  if (!s) return FALSE;
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
