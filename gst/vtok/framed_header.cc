// Writes and reads the header of a framed packet; reading trusts nothing.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/vtok/framed_header.h"

#include <algorithm>

#include "gst/vtok/failure.h"
#include "gst/vtok/names.h"

namespace vtok {
namespace {

static_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN, "numbers are copied as they lie");

[[noreturn]] void refuse(const std::string &what) {
  throw Refusal(GST_VTOK_ERROR_FRAMED, "framed tokens: " + what);
}

void check_range(const char *name, uint64_t value, uint64_t low, uint64_t high) {
  if (value < low || value > high) refuse(sentence(name, " is ", value, ", expected ", low, " to ", high));
}

void check_text(const char *name, const std::string &text) {
  const bool utf8 = g_utf8_validate(text.data(), gssize(text.size()), nullptr);
  if (!utf8 || std::any_of(text.begin(), text.end(), [](char c) { return uint8_t(c) < 32 || c == 127; }))
    refuse(sentence(name, " is no clean UTF-8 text"));
}

// Bytes after the header, by what the header says of tokens and side inputs; all sums fit 64 bits.
uint64_t expected_payload(const FramedHeader &h) {
  constexpr uint64_t kMost = uint64_t(1) << 62;
  const uint64_t number = gst_vtok_type_size(GstVtokType(h.type));
  const uint64_t token = uint64_t(h.levels) * h.hidden_size * number;  // < 2^33: levels * hidden-size < 2^31
  unsigned __int128 total = (unsigned __int128)h.n * (GST_VTOK_RECORD_SIZE + token);
  const auto names = split_names(h.extras);
  for (size_t i = 0; i < GST_VTOK_MAX_EXTRAS; ++i) {
    const uint64_t n = h.extras_n[i], size = h.extras_size[i];
    if (!n && !size) continue;
    if (i >= names.size()) refuse(sentence("side input ", i, " has rows but no name"));
    const bool tokens = has_records(names[i]);
    if (!n || !size || size % n || size / n % number || (tokens && size / n != token))
      refuse(sentence("side input \"", names[i], "\" of ", n, " rows has ", size, " bytes"));
    total += (unsigned __int128)size + (tokens ? (unsigned __int128)n * GST_VTOK_RECORD_SIZE : 0);
  }
  if (total > kMost) refuse("more bytes than any packet can have");
  return uint64_t(total);
}

void check(const FramedHeader &h) {
  check_range("type", h.type, 0, GST_VTOK_TYPE_INT8);
  check_range("hidden-size", h.hidden_size, 1, G_MAXINT32);
  check_range("levels", h.levels, 1, G_MAXINT32 / h.hidden_size);
  check_range("max-tokens", h.max_tokens, 0, G_MAXINT32);
  check_range("n", h.n, 1, h.max_tokens ? h.max_tokens : G_MAXINT32);
  check_range("grid-width", h.grid_width, 0, G_MAXINT32);
  check_range("grid-height", h.grid_height, 0, G_MAXINT32);
  check_range("grid-width of the caps", h.caps_grid_width, 0, G_MAXINT32);
  check_range("grid-height of the caps", h.caps_grid_height, 0, G_MAXINT32);
  if (!h.caps_grid_width != !h.caps_grid_height) refuse("half a grid");
  check_range("framerate's numerator", h.fps_n, 0, G_MAXINT32);
  check_range("framerate's denominator", h.fps_d, 1, G_MAXINT32);
  check_range("flags", h.flags, 0, GST_VTOK_FRAMED_FLAGS_KNOWN);
  check_range("the reserved field", h.reserved, 0, 0);
  if (h.space.empty()) refuse("the space has no name");
  check_text("the space's name", h.space);
  check_text("the names of the side inputs", h.extras);
  check_extras(h.extras, GST_VTOK_ERROR_FRAMED);
  const uint64_t payload = expected_payload(h);
  if (h.payload_size != payload)
    refuse(sentence("the payload is ", h.payload_size, " bytes, expected ", payload, " by the header"));
}

}  // namespace

std::string write_framed_header(const FramedHeader &header) {
  std::string bytes(header.header_size, '\0');
  memcpy(bytes.data(), GST_VTOK_FRAMED_MAGIC, 4);
  FramedHeader::each(header, [&](const auto &field, size_t at) { memcpy(&bytes[at], &field, sizeof field); });
  memcpy(&bytes[GST_VTOK_FRAMED_STRINGS], header.space.data(), header.space.size());
  memcpy(&bytes[GST_VTOK_FRAMED_STRINGS + header.space.size()], header.extras.data(), header.extras.size());
  return bytes;
}

bool read_framed_header(std::span<const uint8_t> bytes, FramedHeader &header) {
  const size_t magic = std::min<size_t>(bytes.size(), 4);
  if (magic && memcmp(bytes.data(), GST_VTOK_FRAMED_MAGIC, magic) != 0) refuse("no packet begins here");
  if (bytes.size() < GST_VTOK_FRAMED_STRINGS) return false;
  FramedHeader h;
  FramedHeader::each(h, [&](auto &field, size_t at) { memcpy(&field, &bytes[at], sizeof field); });
  if (h.version != GST_VTOK_FRAMED_VERSION)
    refuse(sentence("version ", h.version, ", expected ", GST_VTOK_FRAMED_VERSION));
  const size_t size = framed_header_size(h.space_length, h.extras_length);
  if (h.header_size != size) refuse(sentence("a header of ", h.header_size, " bytes, expected ", size));
  if (bytes.size() < size) return false;
  const auto *strings = reinterpret_cast<const char *>(bytes.data()) + GST_VTOK_FRAMED_STRINGS;
  h.space.assign(strings, h.space_length);
  h.extras.assign(strings + h.space_length, h.extras_length);
  for (size_t i = GST_VTOK_FRAMED_STRINGS + h.space_length + h.extras_length; i < size; ++i)
    if (bytes[i]) refuse("the header's padding is not 0");
  check(h);
  header = h;
  return true;
}

GstVtokInfo FramedHeader::info() const {
  GstVtokInfo i = GST_VTOK_INFO_INIT;
  i.type = GstVtokType(type);
  i.hidden_size = int(hidden_size);
  i.levels = int(levels);
  i.max_tokens = int(max_tokens);
  i.grid_width = int(caps_grid_width);
  i.grid_height = int(caps_grid_height);
  i.fps_n = int(fps_n);
  i.fps_d = int(fps_d);
  i.space = const_cast<gchar *>(space.c_str());
  i.extras = const_cast<gchar *>(extras.c_str());
  return i;
}

}  // namespace vtok
