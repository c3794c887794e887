/* The public headers compile alone, in C, and offsets are what layout.h says.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/vtok/vtok.h"

#include <stddef.h>

#include "gst/vtok/layout.h"

_Static_assert(sizeof(GstVtokRecord) == GST_VTOK_RECORD_SIZE, "record size");
_Static_assert(offsetof(GstVtokRecord, row) == GST_VTOK_RECORD_ROW, "row");
_Static_assert(offsetof(GstVtokRecord, column) == GST_VTOK_RECORD_COLUMN, "column");
_Static_assert(offsetof(GstVtokRecord, weight) == GST_VTOK_RECORD_WEIGHT, "weight");
_Static_assert(offsetof(GstVtokRecord, scale) == GST_VTOK_RECORD_SCALE, "scale");
_Static_assert(offsetof(GstVtokRecord, flags) == GST_VTOK_RECORD_FLAGS, "flags");

int main(int argc, char **argv) {
  GstVtokInfo info = GST_VTOK_INFO_INIT;
  GstCaps *caps;
  gst_init(&argc, &argv);
  info.hidden_size = 4;
  info.space = g_strdup("c@0");
  caps = gst_vtok_info_to_caps(&info);
  gst_vtok_info_clear(&info);
  if (!gst_vtok_info_from_caps(&info, caps, NULL) || info.hidden_size != 4) return 1;
  gst_caps_unref(caps);
  gst_vtok_info_clear(&info);
  return 0;
}
