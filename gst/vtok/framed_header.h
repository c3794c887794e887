// The header of a framed packet, as numbers: the fields of layout.h, said once for writing and reading.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "gst/vtok/layout.h"
#include "gst/vtok/vtok.h"

namespace vtok {

struct FramedHeader {
  uint16_t version = GST_VTOK_FRAMED_VERSION, type = 0;
  uint32_t header_size = 0, crc = 0;
  uint64_t payload_size = 0;
  uint32_t hidden_size = 0, levels = 1, n = 0, max_tokens = 0;
  uint32_t grid_width = 0, grid_height = 0, frames = 0, flags = 0;
  uint64_t source_tokens = 0, group = 0, pts = 0, duration = 0;
  uint32_t fps_n = 0, fps_d = 1, caps_grid_width = 0, caps_grid_height = 0;
  uint16_t space_length = 0, extras_length = 0;
  uint32_t reserved = 0;
  uint32_t extras_n[GST_VTOK_MAX_EXTRAS] = {};
  uint64_t extras_size[GST_VTOK_MAX_EXTRAS] = {};
  std::string space, extras;  // the strings

  /// Calls v(field, offset) for each number.
  template <class Self, class V>
  static void each(Self &h, V &&v) {
    v(h.version, GST_VTOK_FRAMED_VERSION_AT);
    v(h.type, GST_VTOK_FRAMED_TYPE);
    v(h.header_size, GST_VTOK_FRAMED_HEADER_SIZE);
    v(h.crc, GST_VTOK_FRAMED_CRC);
    v(h.payload_size, GST_VTOK_FRAMED_PAYLOAD_SIZE);
    v(h.hidden_size, GST_VTOK_FRAMED_HIDDEN_SIZE);
    v(h.levels, GST_VTOK_FRAMED_LEVELS);
    v(h.n, GST_VTOK_FRAMED_N);
    v(h.max_tokens, GST_VTOK_FRAMED_MAX_TOKENS);
    v(h.grid_width, GST_VTOK_FRAMED_GRID_WIDTH);
    v(h.grid_height, GST_VTOK_FRAMED_GRID_HEIGHT);
    v(h.frames, GST_VTOK_FRAMED_FRAMES);
    v(h.flags, GST_VTOK_FRAMED_FLAGS);
    v(h.source_tokens, GST_VTOK_FRAMED_SOURCE_TOKENS);
    v(h.group, GST_VTOK_FRAMED_GROUP);
    v(h.pts, GST_VTOK_FRAMED_PTS);
    v(h.duration, GST_VTOK_FRAMED_DURATION);
    v(h.fps_n, GST_VTOK_FRAMED_FPS_N);
    v(h.fps_d, GST_VTOK_FRAMED_FPS_D);
    v(h.caps_grid_width, GST_VTOK_FRAMED_CAPS_GRID_WIDTH);
    v(h.caps_grid_height, GST_VTOK_FRAMED_CAPS_GRID_HEIGHT);
    v(h.space_length, GST_VTOK_FRAMED_SPACE_LENGTH);
    v(h.extras_length, GST_VTOK_FRAMED_EXTRAS_LENGTH);
    v(h.reserved, GST_VTOK_FRAMED_RESERVED);
    for (int i = 0; i < GST_VTOK_MAX_EXTRAS; ++i) {
      v(h.extras_n[i], GST_VTOK_FRAMED_EXTRAS_N + 4 * i);
      v(h.extras_size[i], GST_VTOK_FRAMED_EXTRAS_SIZE + 8 * i);
    }
  }

  uint64_t size() const { return header_size + payload_size; }  // of the packet
  GstVtokInfo info() const;  // its strings are ours: copy it, never clear it
};

/// Header bytes for these strings: padded to a multiple of 8.
inline size_t framed_header_size(size_t space, size_t extras) {
  return (GST_VTOK_FRAMED_STRINGS + space + extras + 7) & ~size_t(7);
}

/// The bytes of the header, header_size of them.
std::string write_framed_header(const FramedHeader &header);

/// Reads a header and checks that all it says fits together, so that size() can be relied on; the CRC is left
/// to the caller. False: `bytes` end before the header does. Throws Refusal.
bool read_framed_header(std::span<const uint8_t> bytes, FramedHeader &header);

}  // namespace vtok
