// The encoder of the families that see a video frame by frame (models/frame_model.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/frames.h"

#include <algorithm>
#include <utility>

#include "kernels/kernels.h"
#include "kernels/turns.h"
#include "models/encoders/step_tokens.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

constexpr double kTorchEps = 1e-5;  // torch.nn.LayerNorm's own

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

at::Tensor host_float(const at::Tensor &x) { return x.to(at::kCPU, at::kFloat); }

}  // namespace

FrameEncoder::FrameEncoder(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                           const Progress &progress)
    : FrameEncoder(Weights(checkpoint, placement, progress, {"vision_tower.", "multi_modal_projector."}),
                   frame_model(*checkpoint)) {}

FrameEncoder::FrameEncoder(Weights weights, const FrameModel &model)
    : placement_(weights.placement()),
      model_(model),
      tower_(weights, model.vision, model.layers),
      linear1_(weights, "multi_modal_projector.linear_1", model.text.hidden, model.projector_in(),
               model.projector.bias),
      stream_(placement_.device) {
  if (model.projector.norm)
    norm_ = LayerNorm(weights, "multi_modal_projector.layer_norm", model.projector_in(), kTorchEps);
  if (model.projector.two)
    linear2_ = Linear(weights, "multi_modal_projector.linear_2", model.text.hidden, model.text.hidden,
                      model.projector.bias);
}

const std::vector<FrameEncoder::Resize> &FrameEncoder::resizes(int width, int height) {
  const VideoProcessor &video = model_.video;
  static constexpr Interpolation kFilters[] = {
      Interpolation::kLanczos, Interpolation::kBilinear,
      Interpolation::kBicubic};  // VideoProcessor::Filter counts from 1
  const Interpolation filter = kFilters[video.filter - 1];
  const auto [entry, fresh] = resizes_.try_emplace({width, height});
  if (!fresh) return entry->second;
  const auto to = [&](int from_width, int from_height, int wide, int high) {
    entry->second.push_back({make_filter(from_width, wide, filter), make_filter(from_height, high, filter)});
  };
  if (video.shortest) {
    const int shorter = std::min(width, height),
              longer = int(double(int64_t(video.shortest) * std::max(width, height)) / shorter);
    const int wide = width <= height ? video.shortest : longer,
              high = width <= height ? longer : video.shortest;
    to(width, height, wide, high);
    Resize &resize = entry->second.back();
    resize.first = cut(resize.first, (wide - video.width) / 2, video.width);
    resize.second = cut(resize.second, (high - video.height) / 2, video.height);
  } else if (video.longest) {
    const int longest = std::min(video.longest, 4096);
    const double aspect = double(width) / height;
    const auto even = [](int side) { return std::max(side + side % 2, 1); };
    const int wide = width >= height ? longest : even(int(longest * aspect)),
              high = width >= height ? even(int(longest / aspect)) : longest;
    to(width, height, wide, high);
    to(wide, high, video.width, video.height);
  } else {
    to(width, height, video.width, video.height);
  }
  return entry->second;
}

at::Tensor FrameEncoder::pixels(std::span<const Picture> pictures) {
  const VideoProcessor &video = model_.video;
  const at::Tensor out = at::empty({int64_t(pictures.size()), 3, video.height, video.width});
  for (size_t i = 0; i < pictures.size(); ++i) {
    Picture resized = pictures[i];
    at::Tensor bytes;  // [height, width, 3] of `resized`, where it is no picture of the caller's
    const std::vector<Resize> &all = resizes(resized.width, resized.height);
    for (const auto &[across, down] : all) {
      if (&across == &all.back().first) {
        preprocess(resized, video,
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

at::Tensor FrameEncoder::tokens(const at::Tensor &pixels, Stages *stages) const {
  const at::ScalarType type = scalar_type(placement_.type);
  const int64_t n = pixels.size(0), hidden = model_.text.hidden, side = model_.grid(), k = model_.shuffle;
  int64_t grid = model_.vision.grid(), wide = model_.vision.hidden;
  at::Tensor x = tower_(pixels.to(torch_device(placement_)));
  if (model_.vision.class_token) x = x.narrow(1, 1, grid * grid);
  const at::Tensor vision = x;
  if (k > 1) {
    x = x.reshape({n, grid / k, k, grid / k, k, wide}).permute({0, 1, 3, 2, 4, 5});
    grid /= k, wide *= k * k;
    x = x.reshape({n, grid * grid, wide});
  }
  if (model_.pooling == FrameModel::kAverage) {
    x = at::avg_pool2d(x.transpose(1, 2).reshape({n, wide, grid, grid}), {2, 2}).flatten(2).transpose(1, 2);
    grid = side;
  }
  x = x.reshape({n * grid * grid, wide});
  x = linear1_(model_.projector.norm ? norm_(x, type) : x.to(type));
  if (model_.projector.two) x = linear2_(activate(model_.projector.activation, x));
  x = x.to(at::kFloat).view({n, grid * grid, hidden});
  const at::Tensor projected = x;
  if (model_.pooling == FrameModel::kBilinear) {  // half pixels, no antialiasing: as Hugging Face pools
    const at::Tensor map = x.transpose(1, 2).reshape({n, hidden, grid, grid});
    x = at::upsample_bilinear2d(map, {side, side}, false).flatten(2).transpose(1, 2);
  }
  const at::Tensor tokens = x.to(type).contiguous();
  if (stages) *stages = {pixels, host_float(vision), host_float(projected), host_float(tokens)};
  return tokens;
}

std::vector<Tokens> FrameEncoder::encode(std::span<const Picture> pictures) {
  if (pictures.empty()) return {};
  return together_.run(pictures, [this](std::span<const Picture> batch) {
    return in_sentences([&] { return encode(batch, nullptr); });
  });
}

std::vector<Tokens> FrameEncoder::encode(std::span<const Picture> pictures, Stages *stages) {
  if (pictures.empty()) return {};
  c10::InferenceMode guard;
  const std::lock_guard lock(mutex_);
  const auto entered = stream_.enter();
  at::Tensor all;
  const auto compute = [&] {
    const c10::InferenceMode turn_guard;
    all = tokens(pixels(pictures), stages);
  };
  placement_.device < 0 ? in_turn(compute) : compute();
  if (!stream_.get()) all = all.to(at::kCPU);  // from a GPU that our kernels do not run on
  std::vector<Tokens> out;
  for (size_t i = 0; i < pictures.size(); ++i)
    out.push_back(step_tokens(all[int64_t(i)], placement_.type, model_.grid(), 1, stream_));
  return out;
}

}  // namespace vtok
