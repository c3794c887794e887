// Framed packets from anywhere: read as they are, and once more with a CRC that fits.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gst/vtok/crc32c.h"
#include "gst/vtok/layout.h"
#include "gst/vtok/vtok.h"

static void read(const std::string &bytes) {
  gsize size = 0;
  gst_vtok_framed_size(reinterpret_cast<const guint8 *>(bytes.data()), bytes.size(), 1 << 20, &size, nullptr);
  GstBuffer *packet = gst_buffer_new();
  if (!bytes.empty())
    gst_buffer_append_memory(
        packet, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<char *>(bytes.data()),
                                       bytes.size(), 0, bytes.size(), nullptr, nullptr));
  GstVtokInfo info = GST_VTOK_INFO_INIT;
  GstBuffer *raw = gst_vtok_framed_read(packet, &info, nullptr);
  if (raw) {  // then it can be opened, and written again
    GstVtokView view;
    if (!gst_vtok_view_map(&view, raw, &info, nullptr)) abort();
    gst_vtok_view_unmap(&view);
    GstBuffer *again = gst_vtok_framed_write(raw, &info, nullptr);
    if (!again || gst_buffer_memcmp(again, 0, bytes.data(), bytes.size())) abort();
    gst_buffer_unref(again);
    gst_buffer_unref(raw);
  }
  gst_vtok_info_clear(&info);
  gst_buffer_unref(packet);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const bool once = (gst_init(nullptr, nullptr), true);
  (void)once;
  std::string bytes(reinterpret_cast<const char *>(data), size);
  read(bytes);
  if (size < GST_VTOK_FRAMED_CRC + 4) return 0;
  memset(&bytes[GST_VTOK_FRAMED_CRC], 0, 4);
  const uint32_t crc = vtok::crc32c(0, bytes.data(), bytes.size());
  memcpy(&bytes[GST_VTOK_FRAMED_CRC], &crc, 4);
  read(bytes);
  return 0;
}
