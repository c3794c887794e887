// Token buffers from anywhere: caps, counts and memories of any size; what opens must be readable in full.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gst/vtok/vtok.h"

namespace {

// The input: caps as text up to the first line end; five bytes, the rows of tokens and side inputs as counts
// tell them (all bits set: no counts); then memories, each a byte that says how long it is and the bytes.
struct Input {
  std::string text;
  size_t at = 0;
  std::string line() {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string out = text.substr(at, end - at);
    at = std::min(end + 1, text.size());
    return out;
  }
  unsigned byte() { return at < text.size() ? uint8_t(text[at++]) : 0; }
};

GstBuffer *buffer_of(Input &input) {
  unsigned rows[1 + GST_VTOK_MAX_EXTRAS];
  for (unsigned &n : rows) n = input.byte();
  GstBuffer *buffer = gst_buffer_new();
  while (input.at < input.text.size() && gst_buffer_n_memory(buffer) < 12) {
    const size_t size = std::min<size_t>(input.byte(), input.text.size() - input.at);
    gpointer copy = g_memdup2(input.text.data() + input.at, size);
    input.at += size;
    static char nothing;
    gst_buffer_append_memory(buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, copy ? copy : &nothing,
                                                            size, 0, size, copy, g_free));
  }
  if (rows[0] == 255) return buffer;
  GstVtokCounts counts{};
  counts.n = rows[0];
  for (int e = 0; e < GST_VTOK_MAX_EXTRAS; ++e) counts.extras_n[e] = rows[1 + e];
  gst_vtok_buffer_set_counts(buffer, &counts);
  return buffer;
}

volatile unsigned sum;
void read(gconstpointer data, size_t size) {
  for (size_t i = 0; i < size; ++i) sum = sum + static_cast<const uint8_t *>(data)[i];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const bool once = (gst_init(nullptr, nullptr), true);
  (void)once;
  Input input{{reinterpret_cast<const char *>(data), size}};
  GstStructure *fields =
      gst_structure_from_string(("application/x-visual-tokens, " + input.line()).c_str(), nullptr);
  if (!fields) return 0;
  GstCaps *caps = gst_caps_new_full(fields, nullptr);
  GstBuffer *buffer = buffer_of(input);
  GstVtokInfo info = GST_VTOK_INFO_INIT;
  if (gst_vtok_info_from_caps(&info, caps, nullptr)) {
    GstVtokView view;
    if (gst_vtok_view_map(&view, buffer, &info, nullptr)) {
      read(view.tokens, view.n * gst_vtok_info_token_size(&info));
      read(view.records, view.n * sizeof *view.records);
      for (guint e = 0; e < view.n_extras; ++e) {
        const GstVtokExtra &extra = view.extras[e];
        if (!extra.n) continue;
        read(extra.data, extra.size);
        if (extra.records) read(extra.records, extra.n * sizeof *extra.records);
      }
      gst_vtok_view_unmap(&view);
    }
    GstCaps *again = gst_vtok_info_to_caps(&info);
    gst_caps_unref(again);
  }
  gst_vtok_info_clear(&info);
  gst_buffer_unref(buffer);
  gst_caps_unref(caps);
  return 0;
}
