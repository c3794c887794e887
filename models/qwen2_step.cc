// Qwen2 one row at a time on the CPU, for decoding: plain loops around two kernels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <vector>

#include "kernels/kernels.h"
#include "models/qwen2.h"

namespace vtok {
namespace {

/// out = weight * x + bias. x and out are float32, bias the weight's type or undefined.
void multiply(const Linear &layer, const float *x, float *out) {
  const at::Tensor bias = layer.bias.defined() ? layer.bias.to(at::kFloat) : layer.bias;
  cpu().matvec({.weights = layer.weight.const_data_ptr(),
                .bfloat16 = layer.weight.scalar_type() == at::kBFloat16,
                .rows = int(layer.weight.size(0)),
                .columns = int(layer.weight.size(1)),
                .x = x,
                .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                .out = out},
               nullptr);
}

void normalize(const RmsNorm &norm, const float *x, float *out) {
  const int64_t n = norm.weight.size(0);
  const float *weight = norm.weight.const_data_ptr<float>();
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += double(x[i]) * x[i];
  const float scale = float(1 / std::sqrt(squares / double(n) + norm.eps));
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

void rotate(float *head, const float *cos, const float *sin, int64_t half) {
  for (int64_t i = 0; i < half; ++i) {
    const float a = head[i], b = head[half + i];
    head[i] = a * cos[i] - b * sin[i];
    head[half + i] = b * cos[i] + a * sin[i];
  }
}

/// Writes x [heads, head] as row `position` of kept [heads, capacity, head].
void keep(const at::Tensor &kept, const float *x, int64_t position) {
  const int64_t heads = kept.size(0), capacity = kept.size(1), head = kept.size(2);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < head; ++i) {
      const int64_t at = (h * capacity + position) * head + i;
      if (kept.scalar_type() == at::kFloat)
        kept.data_ptr<float>()[at] = x[h * head + i];
      else
        kept.data_ptr<at::BFloat16>()[at] = x[h * head + i];
    }
}

}  // namespace

void Qwen2::step_layer(const Layer &layer, KvCache::Layer &cache, float *x, int64_t position,
                       int64_t capacity) const {
  const int64_t d = config_.hidden, head = config_.head, heads = config_.heads,
                kv_heads = config_.key_value_heads;
  std::vector<float> h(static_cast<size_t>(d)), sum(h.size());
  std::vector<float> qkv(size_t((heads + 2 * kv_heads) * head)), mixed(size_t(heads * head));
  normalize(layer.norm1, x, h.data());
  multiply(layer.qkv, h.data(), qkv.data());
  const float *cos = rotary_.cos.const_data_ptr<float>() + position * head / 2;
  const float *sin = rotary_.sin.const_data_ptr<float>() + position * head / 2;
  for (int64_t i = 0; i < heads + kv_heads; ++i) rotate(qkv.data() + i * head, cos, sin, head / 2);
  keep(cache.keys, qkv.data() + heads * head, position);
  keep(cache.values, qkv.data() + (heads + kv_heads) * head, position);
  cpu().attention({.q = qkv.data(),
                   .query_stride = 0,
                   .keys = cache.keys.const_data_ptr(),
                   .values = cache.values.const_data_ptr(),
                   .bfloat16 = type_ == at::kBFloat16,
                   .queries = 1,
                   .heads = int(heads),
                   .kv_heads = int(kv_heads),
                   .head = int(head),
                   .length = int(position + 1),
                   .row_stride = head,
                   .head_stride = capacity * head,
                   .causal = false,
                   .scale = float(1 / std::sqrt(double(head))),
                   .out = mixed.data()},
                  nullptr);
  multiply(layer.out, mixed.data(), sum.data());
  for (int64_t i = 0; i < d; ++i) x[i] += sum[size_t(i)];

  std::vector<float> gate(size_t(config_.intermediate)), up(gate.size());
  normalize(layer.norm2, x, h.data());
  multiply(layer.gate, h.data(), gate.data());
  multiply(layer.up, h.data(), up.data());
  for (size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
  multiply(layer.down, gate.data(), sum.data());
  for (int64_t i = 0; i < d; ++i) x[i] += sum[size_t(i)];
}

at::Tensor Qwen2::step(int id, KvCache &cache) const {
  const bool plain = device_.is_cpu() && (type_ == at::kFloat || type_ == at::kBFloat16);
  if (!plain || config_.activation != Activation::kSilu) return logits(read(embed({id}), cache));
  const int64_t position = cache.length;
  cache.reserve(position + 1);
  const at::Tensor row = embed({id});
  float *x = row.data_ptr<float>();
  for (size_t i = 0; i < layers_.size(); ++i)
    step_layer(layers_[i], cache.layers[i], x, position, cache.capacity);
  cache.length = position + 1;
  std::vector<float> h(static_cast<size_t>(config_.hidden));
  normalize(norm_, x, h.data());
  const at::Tensor out = at::empty({1, config_.vocabulary});
  multiply(head_, h.data(), out.data_ptr<float>());
  return out;
}

}  // namespace vtok
