// Frames as the numbers an encoder takes: resized as bytes, cut, normalised.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/frame_pixels.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "models/encoders/step_tokens.h"

namespace vtok {
namespace {

constexpr size_t kSizes = 8;  // whose filters are kept; streams of more sizes at once are rare

/// The output pixels first .. first + count - 1 of a resize.
Filter cut(const Filter &whole, int first, int count) {
  constexpr int kOnePrecision = 14;
  Filter part{.in = whole.in, .out = count, .taps = std::max(whole.taps, 1), .precision = kOnePrecision};
  if (whole.taps == 0) {
    if (count == whole.out) return whole;
    for (int i = 0; i < count; ++i) part.first.push_back(first + i);
    part.weights.assign(size_t(count), int16_t(1 << kOnePrecision));
    return part;
  }
  part.precision = whole.precision;
  part.first.assign(whole.first.begin() + first, whole.first.begin() + first + count);
  const auto from = whole.weights.begin() + ptrdiff_t(first) * whole.taps;
  part.weights.assign(from, from + ptrdiff_t(count) * whole.taps);
  return part;
}

}  // namespace

Interpolation interpolation_of(const VideoProcessor &video) {
  static constexpr Interpolation kFilters[] = {
      Interpolation::kLanczos, Interpolation::kBilinear,
      Interpolation::kBicubic};  // VideoProcessor::Filter counts from 1
  return kFilters[video.filter - 1];
}

const std::vector<FramePixels::Resize> &FramePixels::resizes(int width, int height) {
  if (resizes_.size() > kSizes) resizes_.clear();
  const Interpolation filter = interpolation_of(video_);
  const auto [entry, fresh] = resizes_.try_emplace({width, height});
  if (!fresh) return entry->second;
  const auto to = [&](int from_width, int from_height, int wide, int high) {
    entry->second.push_back({make_filter(from_width, wide, filter), make_filter(from_height, high, filter)});
  };
  if (video_.shortest) {
    const int shorter = std::min(width, height),
              longer = int(double(int64_t(video_.shortest) * std::max(width, height)) / shorter);
    const int wide = width <= height ? video_.shortest : longer,
              high = width <= height ? longer : video_.shortest;
    to(width, height, wide, high);
    Resize &resize = entry->second.back();
    resize.first = cut(resize.first, (wide - video_.width) / 2, video_.width);
    resize.second = cut(resize.second, (high - video_.height) / 2, video_.height);
  } else if (video_.longest) {
    const int longest = std::min(video_.longest, 4096);
    const double aspect = double(width) / height;
    const auto even = [](int side) { return std::max(side + side % 2, 1); };
    const int wide = width >= height ? longest : even(int(longest * aspect)),
              high = width >= height ? even(int(longest / aspect)) : longest;
    to(width, height, wide, high);
    to(wide, high, video_.width, video_.height);
  } else {
    to(width, height, video_.width, video_.height);
  }
  return entry->second;
}

at::Tensor FramePixels::operator()(std::span<const Picture> pictures) {
  const at::Tensor out = at::empty({int64_t(pictures.size()), 3, video_.height, video_.width});
  for (size_t i = 0; i < pictures.size(); ++i) {
    Picture resized = pictures[i];
    at::Tensor bytes;  // [height, width, 3] of `resized`, where it is no picture of the caller's
    const std::vector<Resize> &all = resizes(resized.width, resized.height);
    for (const auto &[across, down] : all) {
      if (&across == &all.back().first) {
        preprocess(resized, video_,
                   {.across = across.view(), .down = down.view(), .out = out[int64_t(i)].data_ptr<float>()});
        break;
      }
      VideoProcessor as_it_is{.rescale = 1};
      for (int c = 0; c < 3; ++c) as_it_is.mean[c] = 0, as_it_is.std[c] = 1;
      const at::Tensor planes = at::empty({3, down.out, across.out});
      preprocess(resized, as_it_is,
                 {.across = across.view(), .down = down.view(), .out = planes.data_ptr<float>()});
      bytes = planes.to(at::kByte).permute({1, 2, 0}).contiguous();
      resized = {bytes.const_data_ptr<uint8_t>(), across.out, down.out, across.out * 3};
    }
  }
  return out;
}

}  // namespace vtok
