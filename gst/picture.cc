// Small pictures on token buffers: a GstCustomMeta with a size and a buffer of pixels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture.h"

#include <algorithm>
#include <utility>

#include "gst/vtok/custom_meta.h"

namespace vtok {
namespace {

constexpr char kMeta[] = "GstVtokPictureMeta", kWanted[] = "GstVtokWantPictures";
constexpr int kSamples = 3;  // across and down, per pixel made

}  // namespace

SmallPicture shrink(const Picture &picture, int longest) {
  const int side = std::max(picture.width, picture.height);
  const auto shorter = [&](int length) {
    return side <= longest ? length : std::max(1, int((int64_t(length) * longest + side / 2) / side));
  };
  SmallPicture out{shorter(picture.width), shorter(picture.height), {}};
  out.rgb.resize(size_t(out.width) * out.height * 3);
  const int across = std::clamp(picture.width / out.width, 1, kSamples),
            down = std::clamp(picture.height / out.height, 1, kSamples);
  const auto place = [](int cell, int sample, int cells, int samples, int length) {
    return int((2 * (int64_t(cell) * samples + sample) + 1) * length / (2 * int64_t(cells) * samples));
  };
  std::vector<int> columns;  // bytes from a row's start
  for (int x = 0; x < out.width; ++x)
    for (int u = 0; u < across; ++u) columns.push_back(3 * place(x, u, out.width, across, picture.width));
  const uint32_t n = uint32_t(across) * uint32_t(down),
                 share = (65536 + n - 1) / n;  // exact for sums of 9 bytes
  uint8_t *to = out.rgb.data();
  for (int y = 0; y < out.height; ++y) {
    const uint8_t *rows[kSamples];
    for (int v = 0; v < down; ++v)
      rows[v] = picture.rgb + ptrdiff_t(place(y, v, out.height, down, picture.height)) * picture.stride;
    for (int x = 0; x < out.width; ++x) {
      uint32_t sums[3] = {n / 2, n / 2, n / 2};
      for (int v = 0; v < down; ++v)
        for (int u = 0; u < across; ++u) {
          const uint8_t *from = rows[v] + columns[size_t(x * across + u)];
          for (int c = 0; c < 3; ++c) sums[c] += from[c];
        }
      for (const uint32_t sum : sums) *to++ = uint8_t(sum * share >> 16);
    }
  }
  return out;
}

void set_picture(GstBuffer *tokens, SmallPicture picture) {
  auto *held = new std::vector<uint8_t>(std::move(picture.rgb));
  GstBuffer *rgb =
      gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, held->data(), held->size(), 0, held->size(), held,
                                  [](gpointer data) { delete static_cast<std::vector<uint8_t> *>(data); });
  gst_structure_set(add_meta_fields(tokens, kMeta), "width", G_TYPE_INT, picture.width, "height", G_TYPE_INT,
                    picture.height, "rgb", GST_TYPE_BUFFER, rgb, nullptr);
  gst_buffer_unref(rgb);
}

std::optional<SmallPicture> picture_of(GstBuffer *tokens) {
  const GstStructure *fields = meta_fields(tokens, kMeta);
  if (!fields) return {};
  SmallPicture picture;
  GstBuffer *rgb = nullptr;
  if (!gst_structure_get(fields, "width", G_TYPE_INT, &picture.width, "height",
                         G_TYPE_INT, &picture.height, "rgb", GST_TYPE_BUFFER, &rgb, nullptr))
    return {};
  const size_t size = gst_buffer_get_size(rgb);
  const bool fits =
      picture.width > 0 && picture.height > 0 && size == size_t(picture.width) * size_t(picture.height) * 3;
  if (fits) {
    picture.rgb.resize(size);
    gst_buffer_extract(rgb, 0, picture.rgb.data(), size);
  }
  gst_buffer_unref(rgb);
  return fits ? std::optional(std::move(picture)) : std::nullopt;
}

GstEvent *want_pictures() { return gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty(kWanted)); }

bool wants_pictures(GstEvent *event) { return gst_event_has_name(event, kWanted); }

}  // namespace vtok
