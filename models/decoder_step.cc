// The language model one row of each sequence at a time on the CPU, for decoding: plain loops around two
// kernels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <vector>

#include "kernels/kernels.h"
#include "models/decoder.h"

namespace vtok {
namespace {

/// out = weight * x + bias, x [n, in], out [n, out], float32.
void multiply(const Linear &layer, const std::vector<float> &x, int64_t n, float *out) {
  const NarrowWeight *narrow = layer.narrow.get();
  const Weight whole = layer.weight.scalar_type() == at::kBFloat16 ? Weight::kBfloat16 : Weight::kFloat32;
  cpu().matvec({.weights = narrow ? narrow->data : layer.weight.const_data_ptr(),
                .type = narrow ? narrow->type : whole,
                .rows = int(layer.weight.size(0)),
                .columns = int(layer.weight.size(1)),
                .x = x.data(),
                .bias = layer.float_bias.defined() ? layer.float_bias.const_data_ptr<float>() : nullptr,
                .out = out,
                .n = int(n),
                .scales = narrow ? narrow->scales : nullptr},
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

}  // namespace

void Decoder::step_layer(int64_t index, const std::vector<KvSequence *> &sequences,
                         const std::vector<int64_t> &positions, float *x) const {
  const Layer &layer = layers_[size_t(index)];
  const int64_t n = int64_t(sequences.size()), d = config_.hidden, head = config_.head, heads = config_.heads,
                kv_heads = config_.key_value_heads, wide = (heads + 2 * kv_heads) * head;
  std::vector<float> h(size_t(n * d)), sum(h.size());
  std::vector<float> qkv(size_t(n * wide)), mixed(size_t(n * heads * head));
  for (int64_t i = 0; i < n; ++i) normalize(layer.norm1, x + i * d, h.data() + i * d);
  multiply(layer.qkv, h, n, qkv.data());
  for (int64_t i = 0; i < n; ++i) {
    const KvSequence &sequence = *sequences[size_t(i)];
    const int64_t turn = positions[size_t(i)] * head / 2;  // the three positions of a text's row are one
    const float *cos = rotary_.cos.const_data_ptr<float>() + turn, *sin = rotary_.sin.const_data_ptr<float>() + turn;
    float *own = qkv.data() + i * wide;
    if (config_.qk_norm)
      for (int64_t j = 0; j < heads + kv_heads; ++j)
        normalize(j < heads ? layer.q_norm : layer.k_norm, own + j * head, own + j * head);
    for (int64_t j = 0; j < heads + kv_heads; ++j) rotate(own + j * head, cos, sin, head / 2);
    const float *keys = own + heads * head;
    sequence.write_row(index, sequence.length() - 1, keys, keys + kv_heads * head);
    attend_to(sequence, index, own, 0, 1, mixed.data() + i * heads * head);
  }
  multiply(layer.out, mixed, n, sum.data());
  for (size_t i = 0; i < sum.size(); ++i) x[i] += sum[i];

  std::vector<float> gate(size_t(n * config_.intermediate)), up(gate.size());
  for (int64_t i = 0; i < n; ++i) normalize(layer.norm2, x + i * d, h.data() + i * d);
  multiply(layer.gate, h, n, gate.data());
  multiply(layer.up, h, n, up.data());
  const auto whole = [](std::vector<float> &of) { return at::from_blob(of.data(), {int64_t(of.size())}, at::kFloat); };
  at::Tensor gated = whole(gate);
  at::silu_(gated).mul_(whole(up));
  multiply(layer.down, gate, n, sum.data());
  for (size_t i = 0; i < sum.size(); ++i) x[i] += sum[i];
}

at::Tensor Decoder::step(const std::vector<int> &ids, const std::vector<KvSequence *> &sequences,
                         const std::vector<int64_t> &positions) {
  const int64_t n = int64_t(ids.size()), d = config_.hidden;
  if (!has_kernels() || config_.activation != Activation::kSilu) {
    std::vector<Position> places;
    for (const int64_t p : positions) places.push_back({int32_t(p), int32_t(p), int32_t(p)});
    std::vector<Span> spans;
    for (size_t i = 0; i < sequences.size(); ++i) spans.push_back({sequences[i], 1, &places[i]});
    return logits(read(embed(ids), spans));
  }
  size_t extended = 0;
  try {
    for (const int64_t position : positions) check_position(position);
    for (KvSequence *sequence : sequences) {
      check_position(sequence->length());
      sequence->extend(pool_, 1);
      ++extended;
    }
    const at::Tensor rows = embed(ids);
    float *x = rows.data_ptr<float>();
    for (size_t i = 0; i < layers_.size(); ++i) step_layer(int64_t(i), sequences, positions, x);
    std::vector<float> h(size_t(n * d));
    for (int64_t i = 0; i < n; ++i) normalize(norm_, x + i * d, h.data() + i * d);
    const at::Tensor out = at::empty({n, config_.vocabulary});
    multiply(head_, h, n, out.data_ptr<float>());
    return out;
  } catch (...) {
    for (size_t i = 0; i < extended; ++i) sequences[i]->truncate(sequences[i]->length() - 1);
    throw;
  }
}

}  // namespace vtok
