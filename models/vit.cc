// The vision tower on ATen. The residual stream is float32; products run in the placement's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/vit.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/turns.h"
#include "models/tower.h"

namespace vtok {

namespace {

/// Which position each patch of a whole frame has. Hugging Face finds it by comparing fractions of the side
/// in float32, which for some sides gives two patches the same.
at::Tensor smolvlm_places(int64_t side) {
  const at::Tensor bounds = at::arange(1.0 / double(side), 1.0, 1.0 / double(side), at::kFloat);
  const at::Tensor step = at::ones({1}, at::kFloat) / double(side);
  const at::Tensor along =
      at::bucketize((at::arange(side, at::kFloat) * step).clamp_max(1.0 - 1e-6), bounds, false, true);
  return (along.unsqueeze(1) * side + along.unsqueeze(0)).flatten();
}

}  // namespace

Vit::Norm Vit::norm(Weights &weights, const std::string &name) const {
  if (config_.rms_norm) return RmsNorm(weights, name, config_.hidden, config_.layer_norm_eps);
  return LayerNorm(weights, name, config_.hidden, config_.layer_norm_eps);
}

Vit::Vit(Weights &weights, const VisionConfig &config, int layers)
    : config_(config), type_(scalar_type(weights.placement().type)) {
  const TowerNames &names = tower_names(config.kind);
  const std::string tower = "vision_tower.", embedding = tower + names.patch;
  const int64_t d = config.hidden, patch = config.patch;
  embedding_.weight = weights.get(embedding + ".weight", {d, 3, patch, patch}).reshape({d, -1});
  if (config.patch_bias) embedding_.bias = weights.get(embedding + ".bias", {d});
  position_ = weights.get_float(tower + names.position, config.position_shape()).view({config.rows(), d});
  if (config.kind == VisionConfig::kSmolVlm)
    position_ = at::index_select(position_, 0, smolvlm_places(config.grid()).to(position_.device()));
  if (config.class_token)
    class_ = weights.get_float(tower + names.class_token, config.class_shape()).view({d});
  if (config.pre_norm) before_ = LayerNorm(weights, tower + names.pre_norm, d, config.layer_norm_eps);
  if (config.final_norm && layers == config.layers)
    after_ = LayerNorm(weights, tower + names.final_norm, d, config.layer_norm_eps);
  for (int i = 0; i < layers; ++i) {
    const std::string layer = tower + names.layers + std::to_string(i) + ".", attn = layer + names.attention;
    Layer made;
    made.norm1 = norm(weights, layer + names.norm1);
    made.norm2 = norm(weights, layer + names.norm2);
    if (config.qk_norm) {
      constexpr double kEps = 1e-6;  // whatever the other norms' is
      made.q_norm = RmsNorm(weights, attn + "q_norm", d, kEps);
      made.k_norm = RmsNorm(weights, attn + "k_norm", d, kEps);
    }
    made.qkv = Linear::joined(weights, {attn + "q_proj", attn + "k_proj", attn + "v_proj"}, {d, d, d}, d,
                              config.qkv_bias);
    made.out = Linear(weights, attn + names.out, d, d, true);
    made.fc1 = Linear(weights, layer + "mlp.fc1", config.intermediate, d, true);
    made.fc2 = Linear(weights, layer + "mlp.fc2", d, config.intermediate, true);
    if (config.layer_scale) {
      made.scale1 = weights.get_float(layer + names.scale1, {d});
      made.scale2 = weights.get_float(layer + names.scale2, {d});
    }
    layers_.push_back(std::move(made));
  }
}

at::Tensor Vit::normed(const Norm &norm, const at::Tensor &x) const {
  return std::visit([&](const auto &kind) { return kind(x, type_); }, norm);
}

at::Tensor Vit::attend(const Layer &layer, const at::Tensor &x, int64_t frames) const {
  const int64_t n = x.size(0) / frames, heads = config_.heads, head = config_.head(), d = config_.hidden;
  const at::Tensor qkv = layer.qkv(normed(layer.norm1, x));  // [frames * n, 3 * hidden]
  at::Tensor q = qkv.narrow(1, 0, d), k = qkv.narrow(1, d, d);
  if (config_.qk_norm) {
    q = layer.q_norm(q.to(at::kFloat), type_);
    k = layer.k_norm(k.to(at::kFloat), type_);
  }
  q = q.to(at::kFloat).view({frames, n, heads, head});
  const at::Tensor keys = k.view({frames, n, heads, head}).transpose(1, 2).contiguous();
  const at::Tensor values =
      qkv.narrow(1, 2 * d, d).view({frames, n, heads, head}).transpose(1, 2).contiguous();
  std::vector<at::Tensor> mixed;
  for (int64_t f = 0; f < frames; ++f) mixed.push_back(attention(q[f], keys[f], values[f], false));
  return layer.out(at::cat(mixed));
}

void Vit::add(const Layer &layer, at::Tensor x, int64_t frames) const {
  const auto take = [&](const at::Tensor &more, const at::Tensor &scale) {
    scale.defined() ? x.addcmul_(more.to(at::kFloat), scale) : x.add_(more);
  };
  take(attend(layer, x, frames), layer.scale1);
  take(layer.fc2(activate(config_.activation, layer.fc1(normed(layer.norm2, x)))), layer.scale2);
}

// Threads that each have frames of their own meet once a layer; sharing every product they meet at each of a
// dozen operations, which takes as long as a small model's operations themselves. What does not divide evenly
// is shared so.
void Vit::share_out(const Layer &layer, const at::Tensor &x, int64_t frames) const {
  constexpr int64_t kRows = 640;  // of a product: more are no faster, fewer stay in the cache
  const int64_t n = x.size(0) / frames,
                per = std::clamp<int64_t>(kRows / n, 1, std::max<int64_t>(frames / threads(), 1));
  const int64_t tasks = frames / per / threads() * threads(), rest = frames - tasks * per;
  parallel_for(int(tasks), [&](int task) {
    const c10::InferenceMode guard(x.is_inference());
    add(layer, x.narrow(0, task * per * n, per * n), per);
  });
  if (rest > 0) add(layer, x.narrow(0, tasks * per * n, rest * n), rest);
}

at::Tensor Vit::operator()(const at::Tensor &pixels) const {
  const int64_t frames = pixels.size(0), grid = config_.grid(), patch = config_.patch, n = grid * grid;
  // Pixels beyond the last whole patch are left out.
  const at::Tensor patches = pixels.narrow(2, 0, grid * patch)
                                 .narrow(3, 0, grid * patch)
                                 .reshape({frames, 3, grid, patch, grid, patch})
                                 .permute({0, 2, 4, 1, 3, 5})
                                 .reshape({frames * n, 3 * patch * patch});
  at::Tensor x = embedding_(patches.to(type_)).to(at::kFloat).view({frames, n, config_.hidden});
  if (class_.defined()) x = at::cat({class_.expand({frames, 1, config_.hidden}), x}, 1);
  x = (x + position_).view({frames * config_.rows(), config_.hidden});
  if (config_.pre_norm) x = before_(x, at::kFloat);
  for (const Layer &layer : layers_) {
    x.is_cpu() ? share_out(layer, x, frames) : add(layer, x, frames);
    yield_turn();
  }
  if (after_.weight.defined()) x = after_(x, at::kFloat);
  return x.view({frames, config_.rows(), config_.hidden});
}

}  // namespace vtok
