// Thumbnails: from the bytes of luma or of red, green and blue where the format has them, else from unpacked lines.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/thumbnail.h"

#include <algorithm>
#include <string>

#include "models/error.h"

namespace vtok {
namespace {

constexpr int kLongest = 128;  // pixels
constexpr int kSamples = 4;    // across and down, per thumbnail pixel

// The middles of `cells * k` equal parts of 0..length-1; k as large as fits, at most kSamples.
std::vector<int> sample_places(int length, int cells, int &k) {
  k = std::clamp(length / cells, 1, kSamples);
  std::vector<int> places(size_t(cells) * k);
  for (size_t i = 0; i < places.size(); ++i)
    places[i] = int((2 * int64_t(i) + 1) * length / (2 * int64_t(places.size())));
  return places;
}

// The first n components of every pixel are bytes that can be read where they lie.
bool has_bytes(const GstVideoFormatInfo *f, int n) {
  if (GST_VIDEO_FORMAT_INFO_IS_TILED(f) || GST_VIDEO_FORMAT_INFO_IS_COMPLEX(f) ||
      GST_VIDEO_FORMAT_INFO_HAS_PALETTE(f))
    return false;
  for (int c = 0; c < n; ++c)
    if (GST_VIDEO_FORMAT_INFO_DEPTH(f, c) != 8 || f->shift[c] || f->pixel_stride[c] <= 0) return false;
  return true;
}
bool has_luma_bytes(const GstVideoFormatInfo *f) {
  return (GST_VIDEO_FORMAT_INFO_IS_YUV(f) || GST_VIDEO_FORMAT_INFO_IS_GRAY(f)) && has_bytes(f, 1);
}
bool has_rgb_bytes(const GstVideoFormatInfo *f) { return GST_VIDEO_FORMAT_INFO_IS_RGB(f) && has_bytes(f, 3); }

// BT.601 weights do for telling frames apart.
uint32_t luma_of(uint32_t r, uint32_t g, uint32_t b) { return (77 * r + 150 * g + 29 * b) >> 8; }

// Luma of one pixel as GstVideoFormatInfo unpacks it.
struct Unpacked {
  bool yuv, wide;
  explicit Unpacked(GstVideoFormat format)
      : yuv(format == GST_VIDEO_FORMAT_AYUV || format == GST_VIDEO_FORMAT_AYUV64),
        wide(format == GST_VIDEO_FORMAT_AYUV64 || format == GST_VIDEO_FORMAT_ARGB64) {}
  size_t size() const { return wide ? 8 : 4; }
  uint32_t luma(const uint8_t *line, int x) const {
    uint32_t c[3];
    for (int i = 0; i < 3; ++i)
      c[i] = wide ? reinterpret_cast<const uint16_t *>(line)[4 * x + 1 + i] >> 8 : line[4 * x + 1 + i];
    return yuv ? c[0] : luma_of(c[0], c[1], c[2]);
  }
};

}  // namespace

Thumbnailer::Thumbnailer(const GstVideoInfo &info) : info_(info) {
  const int longest = std::max(info.width, info.height);
  auto shorter = [&](int side) {
    return longest <= kLongest ? side : std::max(1, int((int64_t(side) * kLongest + longest / 2) / longest));
  };
  width_ = shorter(info.width);
  height_ = shorter(info.height);
  columns_ = sample_places(info.width, width_, per_column_);
  rows_ = sample_places(info.height, height_, per_row_);
  luma_.resize(size_t(width_) * height_);
  sums_.resize(width_);
  rgb_bytes_ = has_rgb_bytes(info.finfo);
  if (!has_luma_bytes(info.finfo) && !rgb_bytes_) line_.resize((size_t(info.width) + 16) * 8);
}

Thumbnail Thumbnailer::make(GstBuffer *buffer) {
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, &info_, buffer, GST_MAP_READ))
    throw BadTokens("a video buffer of " + std::to_string(gst_buffer_get_size(buffer)) +
                    " bytes does not hold the " + std::to_string(info_.width) + " x " +
                    std::to_string(info_.height) + " picture of its caps");
  const GstVideoFormatInfo *f = info_.finfo;
  const Unpacked unpacked(f->unpack_format);
  const int step = GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0);
  const uint32_t samples = uint32_t(per_column_) * per_row_;
  for (int y = 0; y < height_; ++y) {
    std::fill(sums_.begin(), sums_.end(), 0);
    for (int r = 0; r < per_row_; ++r) {
      const int source = rows_[size_t(y) * per_row_ + r];
      if (rgb_bytes_) {
        const uint8_t *line[3];
        for (int c = 0; c < 3; ++c)
          line[c] = static_cast<const uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame, c)) +
                    ptrdiff_t(source) * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c);
        for (int x = 0, i = 0; x < width_; ++x)
          for (int c = 0; c < per_column_; ++c) {
            const ptrdiff_t at = ptrdiff_t(columns_[i++]) * step;  // RGB formats have one pixel stride
            sums_[x] += luma_of(line[0][at], line[1][at], line[2][at]);
          }
      } else if (line_.empty()) {
        const auto *line = static_cast<const uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame, 0)) +
                           ptrdiff_t(source) * GST_VIDEO_FRAME_COMP_STRIDE(&frame, 0);
        for (int x = 0, i = 0; x < width_; ++x)
          for (int c = 0; c < per_column_; ++c) sums_[x] += line[ptrdiff_t(columns_[i++]) * step];
      } else {
        f->unpack_func(f, GST_VIDEO_PACK_FLAG_NONE, line_.data(), frame.data, frame.info.stride, 0, source,
                       info_.width);
        for (int x = 0, i = 0; x < width_; ++x)
          for (int c = 0; c < per_column_; ++c) sums_[x] += unpacked.luma(line_.data(), columns_[i++]);
      }
    }
    for (int x = 0; x < width_; ++x)
      luma_[size_t(y) * width_ + x] = uint8_t((sums_[x] + samples / 2) / samples);
  }
  gst_video_frame_unmap(&frame);
  return {luma_.data(), width_, height_, width_};
}

}  // namespace vtok
