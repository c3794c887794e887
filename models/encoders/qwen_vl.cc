// The encoder of Qwen2-VL and Qwen2.5-VL: frame pairs of any size in, tokens of one step out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/qwen_vl.h"

#include <utility>

#include "kernels/kernels.h"
#include "kernels/turns.h"
#include "models/encoders/frame_pixels.h"
#include "models/encoders/step_tokens.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

constexpr size_t kFilters = 16;  // pictures of more sizes than that are rare

at::Tensor host_float(const at::Tensor &x) { return x.to(at::kCPU, at::kFloat); }

}  // namespace

QwenVl::QwenVl(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement, const Progress &progress)
    : QwenVl(Weights(checkpoint, placement, progress, {"visual."}), read_qwen_vl(*checkpoint)) {}

QwenVl::QwenVl(Weights weights, const QwenVlConfig &config)
    : placement_(weights.placement()), config_(config), tower_(weights, config.vision), stream_(placement_.device) {}

void QwenVl::pixels(const Picture &picture, const FrameSize &size, float *out) {
  if (filters_.size() > kFilters) filters_.clear();
  const auto filter = [&](int from, int to) -> const Filter & {
    const auto [entry, fresh] = filters_.try_emplace({from, to});
    if (fresh) entry->second = make_filter(from, to, interpolation_of(config_.video));
    return entry->second;
  };
  const Filter &across = filter(picture.width, size.width), &down = filter(picture.height, size.height);
  preprocess(picture, config_.video, {.across = across.view(), .down = down.view(), .out = out});
}

at::Tensor QwenVl::patches(std::span<const Pair> pairs, const FrameSize &size) {
  const int64_t patch = config_.vision.patch, merge = config_.vision.merge, unit = patch * merge,
                steps = int64_t(pairs.size()), rows = size.height / unit, columns = size.width / unit;
  const at::Tensor frames = at::empty({steps, 2, 3, size.height, size.width});
  for (int64_t i = 0; i < steps; ++i) {
    const Pair &pair = pairs[size_t(i)];
    pixels(pair.first, size, frames[i][0].data_ptr<float>());
    pixels(pair.second, size, frames[i][1].data_ptr<float>());
  }
  return frames.view({steps, 2, 3, rows, merge, patch, columns, merge, patch})
      .permute({0, 3, 6, 4, 7, 2, 1, 5, 8})
      .reshape({steps * rows * columns, merge * merge, -1});
}

std::vector<Tokens> QwenVl::encode(std::span<const Picture> pictures) {
  return encode(pictures, nullptr);
}

std::vector<Tokens> QwenVl::encode(std::span<const Picture> pictures, Stages *stages) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < pictures.size(); i += 2)
    pairs.push_back({pictures[i], pictures[std::min(i + 1, pictures.size() - 1)]});
  if (pairs.empty()) return {};
  return together_.run(std::span<const Pair>(pairs), [&](std::span<const Pair> batch) {
    return in_sentences([&] { return encode(batch, stages); });
  });
}

std::vector<Tokens> QwenVl::encode(std::span<const Pair> pairs, Stages *stages) {
  const c10::InferenceMode guard;
  const std::lock_guard lock(mutex_);
  const auto entered = stream_.enter();
  const int unit = config_.vision.patch * config_.vision.merge;
  std::vector<Tokens> out;
  for (size_t begin = 0, end; begin < pairs.size(); begin = end) {  // pairs of one size are one batch
    const FrameSize size = resized(config_, pairs[begin].first.width, pairs[begin].first.height);
    const auto alike = [&](const Pair &pair) {
      const FrameSize other = resized(config_, pair.first.width, pair.first.height);
      return other.width == size.width && other.height == size.height;
    };
    for (end = begin + 1; end < pairs.size() && alike(pairs[end]);) ++end;
    at::Tensor all;
    const auto compute = [&] {
      const c10::InferenceMode turn_guard;
      const at::Tensor made = patches(pairs.subspan(begin, end - begin), size);
      QwenTower::Stages tower;
      all = tower_(made.to(torch_device(placement_)), size.height / unit, size.width / unit, stages ? &tower : nullptr)
                .contiguous();
      if (stages) *stages = {made.flatten(0, 1), tower, host_float(all)};
    };
    placement_.device < 0 ? in_turn(compute) : compute();
    if (!stream_.get()) all = all.to(at::kCPU);  // from a GPU that our kernels do not run on
    for (size_t i = begin; i < end; ++i)
      out.push_back(step_tokens(all[int64_t(i - begin)], placement_.type, size.width / unit,
                                1 + int(config_.vision.levels.size()), stream_));
  }
  return out;
}

}  // namespace vtok
