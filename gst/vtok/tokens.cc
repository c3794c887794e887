// Token buffers: built without copying, opened without merging their memories.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "gst/vtok/failure.h"
#include "gst/vtok/layout.h"
#include "gst/vtok/names.h"
#include "gst/vtok/vtok.h"

using vtok::Refusal;
using vtok::refused_as;
using vtok::sentence;

static_assert(sizeof(GstVtokRecord) == GST_VTOK_RECORD_SIZE);
static_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN, "records are read where they lie");

namespace {

constexpr size_t kRecord = GST_VTOK_RECORD_SIZE;

[[noreturn]] void refuse(const std::string &what) { throw Refusal(GST_VTOK_ERROR_SIZE, what); }

// Throws unless n tokens of these caps may go without records.
void check_unrecorded(const GstVtokInfo &info, size_t n) {
  if (info.type == GST_VTOK_TYPE_INT8 || info.type == GST_VTOK_TYPE_FLOAT8_E4M3)
    refuse(sentence(gst_vtok_type_to_string(info.type), " tokens without records: their scales are missing"));
  if (n > GST_VTOK_MAX_UNRECORDED)
    refuse(sentence(n, " tokens without records, expected at most ", GST_VTOK_MAX_UNRECORDED));
  const size_t grid = size_t(info.grid_width) * info.grid_height;
  if (grid && n != grid)
    refuse(sentence(n, " tokens without records do not fill the ", info.grid_width, " x ", info.grid_height,
                    " grid of their caps"));
}

std::vector<GstVtokRecord> made_records(const GstVtokInfo &info, size_t n) {
  check_unrecorded(info, n);
  std::vector<GstVtokRecord> records(n);
  const size_t columns = info.grid_width ? info.grid_width : std::max<size_t>(n, 1);
  for (size_t i = 0; i < n; ++i) records[i] = {0, guint16(i / columns), guint16(i % columns), 1, 1.f, 0};
  return records;
}

// The memories of one buffer, mapped one by one, with copies of those that are not aligned. What else the buffer carries is let go
// of then: tokens are remembered for hours, a picture that came with them need not be.
class Mapped {
  GstBuffer *buffer_;  // null when all is mapped
  std::vector<std::pair<GstMemory *, GstMapInfo>> maps_;
  std::vector<std::unique_ptr<std::byte[]>> copies_;

 public:
  std::vector<GstVtokRecord> records;  // made from the grid
  explicit Mapped(GstBuffer *buffer) : buffer_(gst_buffer_ref(buffer)) {}
  ~Mapped() {
    for (auto &[memory, map] : maps_) {
      gst_memory_unmap(memory, &map);
      gst_memory_unref(memory);
    }
    gst_clear_buffer(&buffer_);
  }
  Mapped(const Mapped &) = delete;
  void done() { gst_clear_buffer(&buffer_); }

  struct Bytes {
    const std::byte *data;
    size_t size;
  };
  Bytes map(guint index, size_t alignment) {
    GstMemory *memory = gst_buffer_get_memory(buffer_, index);
    GstMapInfo info;
    if (!gst_memory_map(memory, &info, GST_MAP_READ)) {
      gst_memory_unref(memory);
      throw Refusal(GST_VTOK_ERROR_FAILED, sentence("memory ", index, " of the token buffer cannot be read"));
    }
    maps_.emplace_back(memory, info);
    auto *data = reinterpret_cast<const std::byte *>(info.data);
    if (info.size && reinterpret_cast<uintptr_t>(data) % alignment) {
      copies_.push_back(std::make_unique<std::byte[]>(info.size));
      memcpy(copies_.back().get(), data, info.size);
      data = copies_.back().get();
    }
    return {data, info.size};
  }
};

const GstVtokRecord *as_records(Mapped::Bytes bytes, size_t n, const char *whose) {
  if (bytes.size != n * kRecord)
    refuse(sentence("the records of ", n, " ", whose, " are ", bytes.size, " bytes, expected ", n * kRecord));
  return reinterpret_cast<const GstVtokRecord *>(bytes.data);
}

void map_extras(Mapped &mapped, GstBuffer *buffer, const GstVtokInfo &info, const GstVtokCounts *counts,
                GstVtokView &view) {
  const gchar *names[GST_VTOK_MAX_EXTRAS];
  view.n_extras = gst_vtok_info_extras(&info, names);
  const guint memories = gst_buffer_n_memory(buffer);
  guint next = 2;
  for (guint e = 0; e < view.n_extras; ++e) {
    GstVtokExtra &extra = view.extras[e];
    extra.name = names[e];
    extra.n = counts ? counts->extras_n[e] : 0;
    if (!extra.n) continue;
    const guint needed = vtok::has_records(extra.name) ? 2 : 1;
    if (next + needed > memories)
      refuse(sentence("a buffer of ", memories, " memories lacks the side input \"", extra.name,
                      "\" its counts name"));
    const size_t number = gst_vtok_type_size(info.type);
    const auto bytes = mapped.map(next++, number);
    const size_t row = vtok::has_records(extra.name) ? gst_vtok_info_token_size(&info) : bytes.size / extra.n;
    if (bytes.size != extra.n * row || !row || row % number)
      refuse(sentence("the side input \"", extra.name, "\" of ", extra.n, " rows is ", bytes.size, " bytes",
                      vtok::has_records(extra.name) ? sentence(", expected ", extra.n * row)
                                                    : ", which the rows do not divide"));
    extra.size = bytes.size;
    extra.data = bytes.data;
    if (vtok::has_records(extra.name))
      extra.records = as_records(mapped.map(next++, alignof(GstVtokRecord)), extra.n, extra.name);
  }
  if (next < memories && memories > 2)
    refuse(sentence("a token buffer of ", memories, " memories, expected ", next, " by its caps and counts"));
}

void open(GstVtokView &view, GstBuffer *buffer, const GstVtokInfo &info) {
  if (info.framed) throw Refusal(GST_VTOK_ERROR_CAPS, "a framed buffer cannot be opened as raw tokens");
  auto mapped = std::make_unique<Mapped>(buffer);
  GstVtokView found = {};
  GstVtokCounts counts;
  const bool counted = gst_vtok_buffer_get_counts(buffer, &counts);
  const guint memories = gst_buffer_n_memory(buffer);
  const size_t token = gst_vtok_info_token_size(&info);

  const auto tokens = memories ? mapped->map(0, gst_vtok_type_size(info.type)) : Mapped::Bytes{nullptr, 0};
  if (tokens.size % token)
    refuse(sentence("a token buffer of ", tokens.size, " bytes, expected a multiple of ", token, " (",
                    info.levels > 1 ? sentence(info.levels, " x ") : "", info.hidden_size, " ",
                    gst_vtok_type_to_string(info.type), " numbers a token)"));
  const size_t n = tokens.size / token;
  if (!n) refuse("a token buffer without tokens");
  if (n > G_MAXINT32) refuse(sentence(n, " tokens in one buffer, expected at most ", G_MAXINT32));
  if (counted && counts.n != n)
    refuse(sentence("a token buffer holds ", n, " tokens, its counts say ", counts.n));
  if (info.max_tokens && n > size_t(info.max_tokens))
    refuse(sentence("a token buffer holds ", n, " tokens, its caps allow ", info.max_tokens));
  found.n = guint(n);
  found.tokens = tokens.data;
  if (memories > 1) {
    found.records = as_records(mapped->map(1, alignof(GstVtokRecord)), n, "tokens");
  } else {
    mapped->records = made_records(info, n);
    found.records = mapped->records.data();
  }
  map_extras(*mapped, buffer, info, counted ? &counts : nullptr, found);
  mapped->done();
  found.held = mapped.release();
  view = found;
}

}  // namespace

GstBuffer *gst_vtok_buffer_new(const GstVtokInfo *info, gconstpointer tokens, guint n,
                               const GstVtokRecord *records, gpointer user_data, GDestroyNotify destroy,
                               GError **error) {
  return refused_as<GstBuffer *>(nullptr, error, [&] {
    const size_t size = n * gst_vtok_info_token_size(info);
    static const char nothing = 0;  // a memory has an address even where it is refused below
    GstMemory *memory =
        gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<gpointer>(tokens ? tokens : &nothing),
                               size, 0, size, user_data, destroy);
    std::unique_ptr<GstBuffer, decltype(&gst_buffer_unref)> buffer(gst_buffer_new(), gst_buffer_unref);
    gst_buffer_append_memory(buffer.get(), memory);
    if (!n) refuse("a token buffer without tokens");
    if (info->max_tokens && n > guint(info->max_tokens))
      refuse(sentence(n, " tokens, the caps allow ", info->max_tokens));
    if (records) {
      const size_t bytes = n * kRecord;
      gpointer copy = g_memdup2(records, bytes);
      gst_buffer_append_memory(buffer.get(), gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, copy, bytes, 0,
                                                                    bytes, copy, g_free));
    } else {
      check_unrecorded(*info, n);
    }
    GstVtokCounts counts = {};
    counts.n = n;
    counts.grid_width = info->grid_width;
    counts.grid_height = info->grid_height;
    counts.frames = 1;
    counts.source_tokens = n;
    gst_vtok_buffer_set_counts(buffer.get(), &counts);
    return buffer.release();
  });
}

gboolean gst_vtok_view_map(GstVtokView *view, GstBuffer *buffer, const GstVtokInfo *info, GError **error) {
  return refused_as(FALSE, error, [&] {
    *view = {};
    open(*view, buffer, *info);
    return TRUE;
  });
}

void gst_vtok_view_unmap(GstVtokView *view) {
  delete static_cast<Mapped *>(view->held);
  *view = {};
}
