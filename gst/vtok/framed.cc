// Framed packets out of raw token buffers, and back.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <memory>

#include "gst/vtok/crc32c.h"
#include "gst/vtok/failure.h"
#include "gst/vtok/framed_header.h"
#include "gst/vtok/names.h"

namespace vtok {
namespace {

constexpr size_t kRecord = GST_VTOK_RECORD_SIZE;
using BufferPtr = std::unique_ptr<GstBuffer, void (*)(GstBuffer *)>;

[[noreturn]] void refuse(const std::string &what) {
  throw Refusal(GST_VTOK_ERROR_FRAMED, "framed tokens: " + what);
}

BufferPtr new_buffer() { return {gst_buffer_new(), gst_buffer_unref}; }

// Memory at `data` that keeps `holder` alive.
template <class Holder>
void append(GstBuffer *buffer, const void *data, size_t size, std::shared_ptr<Holder> holder) {
  using Held = std::shared_ptr<Holder>;
  gst_buffer_append_memory(
      buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<void *>(data), size, 0, size,
                                     new Held(std::move(holder)),
                                     [](gpointer held) { delete static_cast<Held *>(held); }));
}

FramedHeader describe(GstBuffer *raw, const GstVtokInfo &info, const GstVtokView &view) {
  FramedHeader h;
  GstVtokCounts counts = {};
  if (!gst_vtok_buffer_get_counts(raw, &counts)) {
    counts.grid_width = info.grid_width;
    counts.grid_height = info.grid_height;
    counts.frames = 1;
    counts.source_tokens = view.n;
  }
  h.type = info.type;
  h.hidden_size = info.hidden_size;
  h.levels = info.levels;
  h.n = view.n;
  h.max_tokens = info.max_tokens;
  h.grid_width = counts.grid_width;
  h.grid_height = counts.grid_height;
  h.frames = counts.frames;
  h.flags = (GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DELTA_UNIT) ? 0 : GST_VTOK_FRAMED_FLAG_GROUP_START) |
            (counts.replaces ? GST_VTOK_FRAMED_FLAG_REPLACES : 0) |
            (GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DISCONT) ? GST_VTOK_FRAMED_FLAG_DISCONT : 0);
  h.source_tokens = counts.source_tokens;
  h.group = counts.group;
  h.pts = GST_BUFFER_PTS(raw);
  h.duration = GST_BUFFER_DURATION(raw);
  h.fps_n = info.fps_n;
  h.fps_d = MAX(info.fps_d, 1);
  h.caps_grid_width = info.grid_width;
  h.caps_grid_height = info.grid_height;
  h.space = info.space;
  h.extras = info.extras ? info.extras : "none";
  if (h.space.size() > G_MAXUINT16 || h.extras.size() > G_MAXUINT16) refuse("names of more than 65535 bytes");
  h.space_length = uint16_t(h.space.size());
  h.extras_length = uint16_t(h.extras.size());
  h.header_size = uint32_t(framed_header_size(h.space.size(), h.extras.size()));
  h.payload_size = view.n * (kRecord + gst_vtok_info_token_size(&info));
  for (guint i = 0; i < view.n_extras; ++i) {
    const GstVtokExtra &extra = view.extras[i];
    h.extras_n[i] = extra.n;
    h.extras_size[i] = extra.size;
    h.payload_size += extra.size + (extra.records ? extra.n * kRecord : 0);
  }
  return h;
}

GstBuffer *write(GstBuffer *raw, const GstVtokInfo &info) {
  std::shared_ptr<GstVtokView> view(new GstVtokView{}, [](GstVtokView *v) {
    gst_vtok_view_unmap(v);
    delete v;
  });
  GError *error = nullptr;
  if (!gst_vtok_view_map(view.get(), raw, &info, &error)) {
    const Refusal refusal(GstVtokError(error->code), error->message);
    g_error_free(error);
    throw refusal;
  }
  FramedHeader h = describe(raw, info, *view);
  std::vector<std::pair<const void *, size_t>> parts{
      {view->records, view->n * kRecord}, {view->tokens, view->n * gst_vtok_info_token_size(&info)}};
  for (guint i = 0; i < view->n_extras; ++i) {
    const GstVtokExtra &extra = view->extras[i];
    if (extra.records) parts.emplace_back(extra.records, extra.n * kRecord);
    if (extra.n) parts.emplace_back(extra.data, extra.size);
  }
  std::string header = write_framed_header(h);
  h.crc = crc32c(0, header.data(), header.size());
  for (const auto &[data, size] : parts) h.crc = crc32c(h.crc, data, size);
  auto bytes = std::make_shared<const std::string>(write_framed_header(h));

  BufferPtr packet = new_buffer();
  gst_buffer_copy_into(
      packet.get(), raw,
      GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META), 0,
      gsize(-1));
  append(packet.get(), bytes->data(), bytes->size(), bytes);
  for (const auto &[data, size] : parts) append(packet.get(), data, size, view);
  return packet.release();
}

// A packet's bytes in one piece; its own memory where it has one.
struct Packet {
  GstBuffer *buffer;
  GstMapInfo map;
  explicit Packet(GstBuffer *b)
      : buffer(gst_buffer_ref(b)) {  // this reference keeps mapping from merging b's memories
    if (gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
    gst_buffer_unref(buffer);
    throw Refusal(GST_VTOK_ERROR_FAILED, "the framed buffer cannot be read");
  }
  ~Packet() {
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
  }
  Packet(const Packet &) = delete;
  std::span<const uint8_t> bytes() const { return {map.data, map.size}; }
};

void check_crc(std::span<const uint8_t> bytes, uint32_t stored) {
  constexpr uint8_t kZeros[4] = {};
  uint32_t crc = crc32c(0, bytes.data(), GST_VTOK_FRAMED_CRC);
  crc = crc32c(crc, kZeros, 4);
  const auto rest = bytes.subspan(GST_VTOK_FRAMED_CRC + 4);
  crc = crc32c(crc, rest.data(), rest.size());
  if (crc != stored) refuse(sentence("the CRC is ", crc, ", the header says ", stored));
}

void check_scales(const uint8_t *records, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    float scale;
    memcpy(&scale, records + i * kRecord + GST_VTOK_RECORD_SCALE, sizeof scale);
    if (!std::isfinite(scale)) refuse(sentence("the scale of token ", i, " is not finite"));
  }
}

GstBuffer *read(GstBuffer *framed, GstVtokInfo *info) {
  auto packet = std::make_shared<Packet>(framed);
  const auto bytes = packet->bytes();
  FramedHeader h;
  if (!read_framed_header(bytes, h))
    refuse(sentence("cut after ", bytes.size(), " bytes, within the header"));
  if (h.size() != bytes.size())
    refuse(sentence(bytes.size(), " bytes, expected ", h.size(), " by the header"));
  check_crc(bytes, h.crc);

  BufferPtr raw = new_buffer();
  const GstVtokInfo found = h.info();
  const uint8_t *at = bytes.data() + h.header_size;
  auto take = [&](size_t size) {
    const uint8_t *part = at;
    at += size;
    return part;
  };
  auto add_tokens = [&](uint32_t n, size_t size) {  // lie behind their records, and go before them
    const uint8_t *records = take(n * kRecord), *tokens = take(size);
    check_scales(records, n);
    append(raw.get(), tokens, size, packet);
    append(raw.get(), records, n * kRecord, packet);
  };
  add_tokens(h.n, h.n * gst_vtok_info_token_size(&found));
  const auto names = split_names(h.extras);
  for (size_t i = 0; i < names.size(); ++i) {
    if (!h.extras_n[i]) continue;
    if (has_records(names[i]))
      add_tokens(h.extras_n[i], h.extras_size[i]);
    else
      append(raw.get(), take(h.extras_size[i]), h.extras_size[i], packet);
  }
  GstVtokCounts counts = {h.n,
                          h.grid_width,
                          h.grid_height,
                          h.frames,
                          h.source_tokens,
                          h.group,
                          (h.flags & GST_VTOK_FRAMED_FLAG_REPLACES) != 0,
                          {}};
  for (int i = 0; i < GST_VTOK_MAX_EXTRAS; ++i) counts.extras_n[i] = h.extras_n[i];
  gst_vtok_buffer_set_counts(raw.get(), &counts);
  GST_BUFFER_PTS(raw.get()) = h.pts;
  GST_BUFFER_DURATION(raw.get()) = h.duration;
  if (!(h.flags & GST_VTOK_FRAMED_FLAG_GROUP_START))
    GST_BUFFER_FLAG_SET(raw.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  if (h.flags & GST_VTOK_FRAMED_FLAG_DISCONT) GST_BUFFER_FLAG_SET(raw.get(), GST_BUFFER_FLAG_DISCONT);
  gst_vtok_info_clear(info);
  gst_vtok_info_copy(&found, info);
  return raw.release();
}

}  // namespace
}  // namespace vtok

gsize gst_vtok_framed_header_bytes(void) { return GST_VTOK_FRAMED_STRINGS; }

gboolean gst_vtok_framed_size(const guint8 *data, gsize available, gsize limit, gsize *size, GError **error) {
  return vtok::refused_as(FALSE, error, [&] {
    vtok::FramedHeader header;
    *size = 0;
    if (!vtok::read_framed_header({data, available}, header)) return TRUE;
    if (header.size() > limit)
      vtok::refuse(vtok::sentence("a packet of ", header.size(), " bytes, expected at most ", limit));
    *size = header.size();
    return TRUE;
  });
}

GstBuffer *gst_vtok_framed_write(GstBuffer *raw, const GstVtokInfo *info, GError **error) {
  return vtok::refused_as<GstBuffer *>(nullptr, error, [&] { return vtok::write(raw, *info); });
}

GstBuffer *gst_vtok_framed_read(GstBuffer *packet, GstVtokInfo *info, GError **error) {
  return vtok::refused_as<GstBuffer *>(nullptr, error, [&] { return vtok::read(packet, info); });
}
