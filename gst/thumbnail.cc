// Thumbnails: from the luma plane where it has bytes of its own, else from unpacked lines.
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

bool has_luma_bytes(const GstVideoFormatInfo *f) {
  return (GST_VIDEO_FORMAT_INFO_IS_YUV(f) || GST_VIDEO_FORMAT_INFO_IS_GRAY(f)) &&
         GST_VIDEO_FORMAT_INFO_DEPTH(f, 0) == 8 && !GST_VIDEO_FORMAT_INFO_IS_TILED(f) &&
         !GST_VIDEO_FORMAT_INFO_IS_COMPLEX(f) && !f->shift[0] && f->pixel_stride[0] > 0;
}

// Luma of one pixel as GstVideoFormatInfo unpacks it; BT.601 weights do for telling frames apart.
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
    return yuv ? c[0] : (77 * c[0] + 150 * c[1] + 29 * c[2]) >> 8;
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
  if (!has_luma_bytes(info.finfo)) line_.resize((size_t(info.width) + 16) * 8);
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
      if (line_.empty()) {
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
