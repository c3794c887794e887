// Frames as the numbers an encoder takes: resized as bytes, cut, normalised.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "kernels/filter.h"
#include "models/config.h"
#include "models/encoder.h"

namespace vtok {

Interpolation interpolation_of(const VideoProcessor &video);

/// For one thread at a time.
class FramePixels {
  /// One resize: across, then down; what is cut away is not computed.
  using Resize = std::pair<Filter, Filter>;
  const std::vector<Resize> &resizes(int width, int height);

  VideoProcessor video_;
  std::map<std::pair<int, int>, std::vector<Resize>> resizes_;  // by the frames' width and height

 public:
  explicit FramePixels(const VideoProcessor &video) : video_(video) {}
  /// [n, 3, height, width], float32, host.
  at::Tensor operator()(std::span<const Picture> pictures);
};

}  // namespace vtok
