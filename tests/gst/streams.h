// Token streams for tests: infos, buffers, what is in them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "gst/vtok/vtok.h"

namespace vtok::test {

/// An owned GstVtokInfo.
struct Info {
  GstVtokInfo c = GST_VTOK_INFO_INIT;
  explicit Info(int hidden_size = 2, const char *space = "test@0123456789abcdef") {
    c.hidden_size = hidden_size;
    c.space = g_strdup(space);
    c.extras = g_strdup("none");
  }
  ~Info() { gst_vtok_info_clear(&c); }
  Info(const Info &) = delete;
  Info &extras(const char *names) {
    g_free(c.extras);
    c.extras = g_strdup(names);
    return *this;
  }
};

/// The message of a GError, which is freed.
inline std::string taken(GError *&error) {
  std::string text = error ? error->message : "";
  g_clear_error(&error);
  return text;
}

inline GstMemory *memory_of(const void *data, size_t size) {
  gpointer copy = g_memdup2(data, size);
  return gst_memory_new_wrapped(GstMemoryFlags(0), copy, size, 0, size, copy, g_free);
}

/// n tokens of `width` float32 numbers: token i is value + i, 0, 0, ...
inline std::vector<float> ramp(int n, int width, float value = 0) {
  std::vector<float> numbers(size_t(n) * width);
  for (int i = 0; i < n; ++i) numbers[size_t(i) * width] = value + float(i);
  return numbers;
}

inline std::vector<GstVtokRecord> records_of(int n, int columns, gint64 time = 0) {
  std::vector<GstVtokRecord> records(n);
  for (int i = 0; i < n; ++i) records[i] = {time, guint16(i / columns), guint16(i % columns), 1, 1.f, 0};
  return records;
}

/// A buffer of copied numbers; memory 1 and counts where records are given.
inline GstBuffer *buffer_of(const GstVtokInfo &info, const std::vector<float> &numbers,
                            const std::vector<GstVtokRecord> &records = {}) {
  GstBuffer *buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, memory_of(numbers.data(), numbers.size() * 4));
  if (records.empty()) return buffer;
  gst_buffer_append_memory(buffer, memory_of(records.data(), records.size() * sizeof(GstVtokRecord)));
  GstVtokCounts counts = {};
  counts.n = guint(records.size());
  counts.frames = 1;
  counts.source_tokens = counts.n;
  counts.grid_width = info.grid_width;
  counts.grid_height = info.grid_height;
  gst_vtok_buffer_set_counts(buffer, &counts);
  return buffer;
}

/// The bytes of a buffer's memories, one after the other, read without merging them.
inline std::string bytes_of(GstBuffer *buffer) {
  std::string bytes(gst_buffer_get_size(buffer), '\0');
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

inline GstBuffer *buffer_with(const std::string &bytes) {
  GstBuffer *buffer = gst_buffer_new();
  if (!bytes.empty()) gst_buffer_append_memory(buffer, memory_of(bytes.data(), bytes.size()));
  return buffer;
}

}  // namespace vtok::test
