// Qwen2 on ATen. The residual stream is float32; products run in the placement's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/qwen2.h"

#include <string>

namespace vtok {

Qwen2::Qwen2(Weights &weights, const TextConfig &config)
    : config_(config),
      device_(torch_device(weights.placement())),
      type_(scalar_type(weights.placement().type)) {
  const int64_t d = config.hidden, inner = config.intermediate;
  const int64_t q = int64_t(config.heads) * config.head, kv = int64_t(config.key_value_heads) * config.head;
  const std::string model = "language_model.model.", head = "language_model.lm_head";
  embedding_ = weights.get(model + "embed_tokens.weight", {config.vocabulary, d});
  if (weights.has(head + ".weight"))
    head_ = Linear(weights, head, config.vocabulary, d, false);
  else
    head_.weight = embedding_;
  norm_ = RmsNorm(weights, model + "norm", d, config.rms_norm_eps);
  rotary_ = Rotary(config.context, config.head, config.rope_theta, device_);
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = model + "layers." + std::to_string(i) + ".", attn = layer + "self_attn.",
                      mlp = layer + "mlp.";
    layers_.push_back(
        {RmsNorm(weights, layer + "input_layernorm", d, config.rms_norm_eps),
         RmsNorm(weights, layer + "post_attention_layernorm", d, config.rms_norm_eps),
         Linear::joined(weights, {attn + "q_proj", attn + "k_proj", attn + "v_proj"}, {q, kv, kv}, d, true),
         Linear(weights, attn + "o_proj", d, q, false), Linear(weights, mlp + "gate_proj", inner, d, false),
         Linear(weights, mlp + "up_proj", inner, d, false),
         Linear(weights, mlp + "down_proj", d, inner, false)});
  }
}

KvCache Qwen2::make_cache() const {
  return KvCache(layers_.size(), config_.key_value_heads, config_.head,
                 at::TensorOptions(type_).device(device_));
}

at::Tensor Qwen2::embed(const std::vector<int> &ids) const {
  const at::Tensor index =
      at::from_blob(const_cast<int *>(ids.data()), {int64_t(ids.size())}, at::kInt).to(device_);
  return at::index_select(embedding_, 0, index).to(at::kFloat);
}

at::Tensor Qwen2::attend(const Layer &layer, KvCache::Layer &cache, const at::Tensor &x,
                         int64_t first) const {
  const int64_t n = x.size(0), heads = config_.heads, kv_heads = config_.key_value_heads;
  const at::Tensor qkv = layer.qkv(layer.norm1(x, type_)).view({n, heads + 2 * kv_heads, config_.head});
  const at::Tensor rotated = rotary_(qkv.narrow(1, 0, heads + kv_heads), first);
  cache.keys.narrow(1, first, n).copy_(rotated.narrow(1, heads, kv_heads).transpose(0, 1));
  cache.values.narrow(1, first, n).copy_(qkv.narrow(1, heads + kv_heads, kv_heads).transpose(0, 1));
  return layer.out(attention(rotated.narrow(1, 0, heads), cache.keys.narrow(1, 0, first + n),
                             cache.values.narrow(1, 0, first + n), true));
}

at::Tensor Qwen2::read(const at::Tensor &rows, KvCache &cache) const {
  const int64_t n = rows.size(0), first = cache.length;
  cache.reserve(first + n);
  at::Tensor x = rows.clone();  // [n, width]
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer &layer = layers_[i];
    x.add_(attend(layer, cache.layers[i], x, first));
    const at::Tensor h = layer.norm2(x, type_);
    x.add_(layer.down(activate(config_.activation, layer.gate(h)).mul_(layer.up(h))));
  }
  cache.length = first + n;
  return norm_(x.narrow(0, n - 1, 1), type_);
}

at::Tensor Qwen2::logits(const at::Tensor &hidden) const { return head_(hidden).to(at::kCPU, at::kFloat); }

}  // namespace vtok
