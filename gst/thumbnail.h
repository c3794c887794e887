// Small luma pictures of video frames, read from few of their pixels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/video/video.h>

#include <cstdint>
#include <vector>

#include "models/keyframe.h"

namespace vtok {

/// Makes thumbnails of one video format: at most 128 pixels wide and high, of the frame's shape. A pixel of
/// it is the mean of up to 4 x 4 samples spread over its part of the frame, so a 4K frame costs no more than
/// a small one.
class Thumbnailer {
  GstVideoInfo info_;
  int width_, height_;
  std::vector<int> columns_,
      rows_;                    // the frame's columns and lines that are sampled, width_ * k and height_ * k
  int per_column_, per_row_;    // k: samples per thumbnail pixel across and down
  std::vector<uint8_t> luma_;   // [height_, width_]
  std::vector<uint32_t> sums_;  // [width_]
  bool rgb_bytes_ = false;      // red, green and blue are bytes that can be read where they lie
  std::vector<uint8_t> line_;   // one unpacked line, where neither luma nor those are

 public:
  explicit Thumbnailer(const GstVideoInfo &info);
  /// Good until the next call. Throws BadTokens where the buffer does not fit its caps.
  Thumbnail make(GstBuffer *buffer);
};

}  // namespace vtok
