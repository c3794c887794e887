// Thumbnails: of every raw video format, of any size, read from few pixels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/thumbnail.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "gst/guarded.h"

namespace {

// A buffer of that format whose left half is dark and whose right half is light.
GstBuffer *two_halves(const GstVideoInfo &info) {
  GstVideoInfo rgb;
  gst_video_info_set_format(&rgb, GST_VIDEO_FORMAT_RGB, info.width, info.height);
  GstBuffer *from = gst_buffer_new_allocate(nullptr, rgb.size, nullptr);
  GstVideoFrame in, out;
  REQUIRE(gst_video_frame_map(&in, &rgb, from, GST_MAP_WRITE));
  for (int y = 0; y < info.height; ++y)
    for (int x = 0; x < info.width; ++x)
      memset(static_cast<uint8_t *>(in.data[0]) + y * in.info.stride[0] + 3 * x,
             2 * x < info.width ? 40 : 220, 3);
  GstBuffer *to = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  REQUIRE(gst_video_frame_map(&out, &info, to, GST_MAP_WRITE));
  GstVideoConverter *converter = gst_video_converter_new(&rgb, &info, nullptr);
  REQUIRE(converter);
  gst_video_converter_frame(converter, &in, &out);
  gst_video_converter_free(converter);
  gst_video_frame_unmap(&in);
  gst_video_frame_unmap(&out);
  gst_buffer_unref(from);
  return to;
}

}  // namespace

TEST_CASE("every raw format shows dark as dark and light as light") {
  guint n;
  const GstVideoFormat *formats = gst_video_formats_raw(&n);
  int seen = 0;
  for (guint i = 0; i < n; ++i) {
    const GstVideoFormatInfo *format = gst_video_format_get_info(formats[i]);
    if (!GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format) && format->pack_func) {
      INFO(format->name);
      GstVideoInfo info;
      REQUIRE(gst_video_info_set_format(&info, formats[i], 320, 192));
      GstBuffer *buffer = two_halves(info);
      vtok::Thumbnailer thumbnailer(info);
      const auto picture = thumbnailer.make(buffer);
      CHECK(picture.width == 128);
      CHECK(picture.height == 77);
      for (int y : {0, 38, 76}) {
        CHECK(int(picture.luma[y * picture.stride + 10]) == Approx(45).margin(18));
        CHECK(int(picture.luma[y * picture.stride + 117]) == Approx(212).margin(18));
      }
      gst_buffer_unref(buffer);
      ++seen;
    }
  }
  CHECK(seen > 100);
}

TEST_CASE("any size has a thumbnail of its shape") {
  const int sizes[][4] = {{1, 1, 1, 1},      {4096, 2160, 128, 68}, {2, 4000, 1, 128},
                          {4000, 2, 128, 1}, {128, 128, 128, 128},  {129, 64, 128, 64},
                          {31, 7, 31, 7},    {719, 577, 128, 103}};
  for (const auto &[width, height, w, h] : sizes)
    for (auto format : {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_RGB, GST_VIDEO_FORMAT_I420_10LE}) {
      INFO(width << " x " << height);
      GstVideoInfo info;
      REQUIRE(gst_video_info_set_format(&info, format, width, height));
      GstBuffer *buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
      gst_buffer_memset(buffer, 0, 77, info.size);
      vtok::Thumbnailer thumbnailer(info);
      const auto picture = thumbnailer.make(buffer);
      CHECK(picture.width == w);
      CHECK(picture.height == h);
      if (format != GST_VIDEO_FORMAT_I420_10LE)
        for (int i = 0; i < w * h; ++i) REQUIRE(int(picture.luma[i]) == 77);
      gst_buffer_unref(buffer);
    }
}

TEST_CASE("a picture that does not fit its caps is refused") {
  GstVideoInfo info;
  REQUIRE(gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, 64, 64));
  vtok::Thumbnailer thumbnailer(info);
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, 100, nullptr);
  CHECK_THROWS_AS(thumbnailer.make(buffer), vtok::BadTokens);
  gst_buffer_unref(buffer);
}
