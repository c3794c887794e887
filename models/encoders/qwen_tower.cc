// The vision tower of Qwen2-VL and Qwen2.5-VL on ATen. The residual stream is float32; products run in the placement's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/qwen_tower.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/threads.h"
#include "kernels/turns.h"

namespace vtok {
namespace {

constexpr double kEpsilon = 1e-6;  // of every norm

at::Tensor on(at::Device device, const std::vector<int64_t> &numbers) {
  return at::tensor(numbers, at::TensorOptions(at::kLong)).to(device);
}

}  // namespace

QwenTower::Norm QwenTower::norm(Weights &weights, const std::string &name, int64_t width) const {
  if (config_.gated) return RmsNorm(weights, name, width, kEpsilon);
  return LayerNorm(weights, name, width, kEpsilon);
}

QwenTower::Merger QwenTower::merger(Weights &weights, const std::string &name, const std::string &norm_name,
                                    int64_t width) const {
  const int64_t unit = int64_t(config_.hidden) * config_.merge * config_.merge;
  const QwenTowerNames names = tower_names(config_);
  return {norm(weights, name + "." + norm_name, width), Linear(weights, name + "." + names.merger1, unit, unit, true),
          Linear(weights, name + "." + names.merger2, config_.out, unit, true)};
}

at::Tensor QwenTower::merged(const Merger &merger, const at::Tensor &x, int64_t width) const {
  const int64_t unit = int64_t(config_.hidden) * config_.merge * config_.merge;
  const at::Tensor inner = merger.first(normed(merger.norm, x.view({-1, width})).view({-1, unit}));
  return merger.second(activate(Activation::kGelu, inner));
}

at::Tensor QwenTower::places(const std::vector<int64_t> &down, const std::vector<int64_t> &across, int64_t rows,
                             int64_t columns) const {
  const int64_t side = config_.positions;
  struct Between {
    at::Tensor low, high, weight;  // weight of `high`
  };
  const auto between = [&](const std::vector<int64_t> &places, int64_t size) {
    const at::Tensor at = on(at::kCPU, places).to(at::kFloat) * double(side - 1) / double(std::max<int64_t>(size - 1, 1));
    const at::Tensor low = at.floor().to(at::kLong);
    return Between{low.to(position_.device()), low.add(1).clamp_max(side - 1).to(position_.device()),
                   (at - low).unsqueeze(1).to(position_.device())};
  };
  const Between y = between(down, rows), x = between(across, columns);
  const auto taken = [&](const at::Tensor &row, const at::Tensor &column) {
    return position_.flatten(0, 1).index_select(0, row * side + column);
  };
  return taken(y.low, x.low) * (1 - y.weight) * (1 - x.weight) + taken(y.low, x.high) * (1 - y.weight) * x.weight +
         taken(y.high, x.low) * y.weight * (1 - x.weight) + taken(y.high, x.high) * y.weight * x.weight;
}

at::Tensor QwenTower::normed(const Norm &norm, const at::Tensor &x) const {
  return std::visit([&](const auto &kind) { return kind(x, type_); }, norm);
}

QwenTower::QwenTower(Weights &weights, const QwenTowerConfig &config)
    : config_(config), type_(scalar_type(weights.placement().type)) {
  const int64_t d = config.hidden, inner = config.intermediate, patch = config.patch, unit = d * config.merge * config.merge;
  const QwenTowerNames names = tower_names(config);
  embedding_.weight = weights.get("visual.patch_embed.proj.weight", {d, 3, 2, patch, patch}).reshape({d, -1});
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = "visual.blocks." + std::to_string(i) + ".", mlp = layer + "mlp.";
    layers_.push_back({norm(weights, layer + "norm1", d), norm(weights, layer + "norm2", d),
                       Linear(weights, layer + "attn.qkv", 3 * d, d, true), Linear(weights, layer + "attn.proj", d, d, true),
                       config.gated ? Linear(weights, mlp + "gate_proj", inner, d, true) : Linear(),
                       Linear(weights, mlp + names.up, inner, d, true),
                       Linear(weights, mlp + names.down, d, inner, true)});
  }
  merger_ = merger(weights, "visual.merger", names.norm, d);
  for (size_t i = 0; i < config.levels.size(); ++i)
    levels_.push_back(merger(weights, "visual.deepstack_merger_list." + std::to_string(i), "norm", unit));
  if (!config.positions) return;
  embedding_.bias = weights.get("visual.patch_embed.proj.bias", {d});
  position_ = weights.get_float("visual.pos_embed.weight", {int64_t(config.positions) * config.positions, d})
                  .view({config.positions, config.positions, d});
}

QwenTower::Windows QwenTower::windows(int rows, int columns) const {
  Windows made;
  const int side = config_.window ? config_.window : std::max(rows, columns);
  for (int top = 0; top < rows; top += side)
    for (int left = 0; left < columns; left += side) {
      for (int row = top; row < std::min(top + side, rows); ++row)
        for (int column = left; column < std::min(left + side, columns); ++column)
          made.order.push_back(row * columns + column);
      made.ends.push_back(int64_t(made.order.size()));
    }
  return made;
}

at::Tensor QwenTower::attend(const Layer &layer, const at::Tensor &x, const std::vector<int64_t> &ends,
                             const at::Tensor &cos, const at::Tensor &sin) const {
  const int64_t n = x.size(0), heads = config_.heads, head = config_.head();
  const at::Tensor qkv = layer.qkv(normed(layer.norm1, x)).view({n, 3, heads, head});
  const at::Tensor q = rotate(qkv.select(1, 0), cos, sin);
  const at::Tensor keys = rotate(qkv.select(1, 1), cos, sin).to(type_).transpose(0, 1).contiguous();
  const at::Tensor values = qkv.select(1, 2).transpose(0, 1).contiguous();
  std::vector<at::Tensor> mixed(ends.size());
  const auto window = [&](int i) {
    const c10::InferenceMode guard(x.is_inference());
    const int64_t begin = i ? ends[size_t(i - 1)] : 0, rows = ends[size_t(i)] - begin;
    mixed[size_t(i)] = attention(q.narrow(0, begin, rows), keys.narrow(1, begin, rows), values.narrow(1, begin, rows), false);
  };
  // Windows are small: a thread has some of its own. A few large ones are each shared among the threads.
  if (x.is_cpu() && int(ends.size()) >= 4 * threads())
    parallel_for(int(ends.size()), window);
  else
    for (size_t i = 0; i < ends.size(); ++i) window(int(i));
  return layer.out(mixed.size() == 1 ? mixed[0] : at::cat(mixed));
}

at::Tensor QwenTower::operator()(const at::Tensor &patches, int rows, int columns, Stages *stages) const {
  const int64_t units = int64_t(rows) * columns, merge = config_.merge, in_unit = merge * merge,
                steps = patches.size(0) / units, d = config_.hidden;
  const at::Device device = patches.device();
  const Windows made = windows(rows, columns);
  // Places of the patches, units in the order of their windows.
  std::vector<int64_t> down, across, windowed, whole, back(made.order.size());
  for (const int64_t unit : made.order)
    for (int64_t i = 0; i < in_unit; ++i) {
      down.push_back(unit / columns * merge + i / merge);
      across.push_back(unit % columns * merge + i % merge);
    }
  for (int64_t i = 0; i < units; ++i) back[size_t(made.order[size_t(i)])] = i;
  for (int64_t step = 0; step < steps; ++step) {
    for (const int64_t end : made.ends) windowed.push_back((step * units + end) * in_unit);
    whole.push_back((step + 1) * units * in_unit);
  }
  const at::Tensor exponent = at::arange(0, config_.head() / 2, 2, at::kFloat) / double(config_.head() / 2);
  const at::Tensor frequency = 1 / at::pow(config_.rope_theta, exponent);
  const auto angles = [&](const std::vector<int64_t> &places) {
    return at::outer(on(at::kCPU, places).to(at::kFloat), frequency);
  };
  const at::Tensor angle = at::cat({angles(down), angles(across)}, 1).repeat({steps, 1});
  const at::Tensor cos = angle.cos().to(device), sin = angle.sin().to(device);

  const at::Tensor ordered =
      patches.view({steps, units, in_unit, -1}).index_select(1, on(device, made.order)).flatten(0, 2);
  at::Tensor x = embedding_(ordered.to(type_)).to(at::kFloat);
  if (position_.defined()) x.add_(places(down, across, rows * merge, columns * merge).repeat({steps, 1}));
  std::vector<at::Tensor> levels = {{}};  // of the tokens: the first comes last
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer &layer = layers_[i];
    x.add_(attend(layer, x, config_.whole.empty() || config_.whole[i] ? whole : windowed, cos, sin));
    const at::Tensor h = normed(layer.norm2, x);
    at::Tensor inner = activate(config_.activation, config_.gated ? layer.gate(h) : layer.up(h));
    if (config_.gated) inner.mul_(layer.up(h));
    x.add_(layer.down(inner));
    for (size_t level = 0; level < levels_.size(); ++level)
      if (config_.levels[level] == int(i)) levels.push_back(merged(levels_[level], x, in_unit * d));
    yield_turn();
  }
  levels[0] = merged(merger_, x, d);
  if (stages) *stages = {x.to(at::kCPU, at::kFloat), levels[0].to(at::kCPU, at::kFloat)};
  const at::Tensor all = levels.size() == 1 ? levels[0] : at::cat(levels, 1);
  return all.view({steps, units, -1}).index_select(1, on(device, back));
}

}  // namespace vtok
