// SigLIP on ATen. The residual stream is float32; products run in the placement's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/siglip.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>

#include "kernels/turns.h"

namespace vtok {

Siglip::Siglip(Weights &weights, const VisionConfig &config, int layers)
    : config_(config), type_(scalar_type(weights.placement().type)) {
  const int64_t d = config.hidden, patch = config.patch, patches = int64_t(config.grid()) * config.grid();
  const std::string embeddings = "vision_tower.embeddings.";
  embedding_.weight =
      weights.get(embeddings + "patch_embedding.weight", {d, 3, patch, patch}).reshape({d, -1});
  embedding_.bias = weights.get(embeddings + "patch_embedding.bias", {d});
  position_ = weights.get_float(embeddings + "position_embedding.weight", {patches, d});
  for (int i = 0; i < layers; ++i) {
    const std::string layer = "vision_tower.encoder.layers." + std::to_string(i) + ".",
                      attn = layer + "self_attn.";
    layers_.push_back(
        {LayerNorm(weights, layer + "layer_norm1", d, config.layer_norm_eps),
         LayerNorm(weights, layer + "layer_norm2", d, config.layer_norm_eps),
         Linear::joined(weights, {attn + "q_proj", attn + "k_proj", attn + "v_proj"}, {d, d, d}, d, true),
         Linear(weights, attn + "out_proj", d, d, true),
         Linear(weights, layer + "mlp.fc1", config.intermediate, d, true),
         Linear(weights, layer + "mlp.fc2", d, config.intermediate, true)});
  }
}

at::Tensor Siglip::attend(const Layer &layer, const at::Tensor &x, int64_t frames) const {
  const int64_t n = x.size(0) / frames, heads = config_.heads, head = config_.head();
  const at::Tensor qkv = layer.qkv(layer.norm1(x, type_)).view({frames, n, 3, heads, head});
  const at::Tensor q = qkv.select(2, 0).to(at::kFloat);  // [frames, n, heads, head]
  const at::Tensor keys = qkv.select(2, 1).transpose(1, 2).contiguous();
  const at::Tensor values = qkv.select(2, 2).transpose(1, 2).contiguous();
  std::vector<at::Tensor> mixed;
  for (int64_t f = 0; f < frames; ++f) mixed.push_back(attention(q[f], keys[f], values[f], false));
  return layer.out(at::cat(mixed));
}

void Siglip::add(const Layer &layer, at::Tensor x, int64_t frames) const {
  x.add_(attend(layer, x, frames));
  x.add_(layer.fc2(activate(config_.activation, layer.fc1(layer.norm2(x, type_)))));
}

// Threads that each have frames of their own meet once a layer; sharing every product they meet at each of a
// dozen operations, which takes as long as a small model's operations themselves. What does not divide evenly
// is shared so.
void Siglip::share_out(const Layer &layer, const at::Tensor &x, int64_t frames) const {
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

at::Tensor Siglip::operator()(const at::Tensor &pixels) const {
  const int64_t frames = pixels.size(0), grid = config_.grid(), patch = config_.patch, n = grid * grid;
  // Pixels beyond the last whole patch are left out.
  const at::Tensor patches = pixels.narrow(2, 0, grid * patch)
                                 .narrow(3, 0, grid * patch)
                                 .reshape({frames, 3, grid, patch, grid, patch})
                                 .permute({0, 2, 4, 1, 3, 5})
                                 .reshape({frames * n, 3 * patch * patch});
  at::Tensor x = embedding_(patches.to(type_)).to(at::kFloat).view({frames, n, config_.hidden});
  x = (x + position_).view({frames * n, config_.hidden});
  for (const Layer &layer : layers_) {
    x.is_cpu() ? share_out(layer, x, frames) : add(layer, x, frames);
    yield_turn();
  }
  return x.view({frames, n, config_.hidden});
}

}  // namespace vtok
