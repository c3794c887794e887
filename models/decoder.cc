// The language model on ATen. The residual stream is float32; products run in the placement's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/decoder.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "kernels/kernels.h"

namespace vtok {

Decoder::Decoder(Weights &weights, const TextConfig &config)
    : config_(config),
      device_(torch_device(weights.placement())),
      type_(scalar_type(weights.placement().type)),
      pool_(config.layers, config.key_value_heads, config.head, at::TensorOptions(type_).device(device_)) {
  const int64_t d = config.hidden, inner = config.intermediate;
  const int64_t q = int64_t(config.heads) * config.head, kv = int64_t(config.key_value_heads) * config.head;
  const std::string model = "language_model.model.", head = "language_model.lm_head";
  embedding_ = weights.get(model + "embed_tokens.weight", {config.vocabulary, d});
  mean_ = at::zeros({d}, at::TensorOptions(at::kFloat).device(device_));
  constexpr int64_t kSummed = 1024;  // rows: of all at once in float32 there would be a copy
  for (int64_t i = 0; i < config.vocabulary; i += kSummed)
    mean_.add_(embedding_.narrow(0, i, std::min(kSummed, config.vocabulary - i)).to(at::kFloat).sum(0));
  mean_.div_(config.vocabulary);
  if (weights.has(head + ".weight"))
    head_ = Linear(weights, head, config.vocabulary, d, false);
  else
    head_.weight = embedding_;
  norm_ = RmsNorm(weights, model + "norm", d, config.rms_norm_eps);
  if (!config.rope_axes.empty())
    axes_ = at::tensor(std::vector<int64_t>(config.rope_axes.begin(), config.rope_axes.end()), at::kLong);
  rotary_ = Rotary(config.context, config.head, config.rope_theta, config.rope_factor, device_);
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = model + "layers." + std::to_string(i) + ".", attn = layer + "self_attn.",
                      mlp = layer + "mlp.";
    Layer made;
    made.norm1 = RmsNorm(weights, layer + "input_layernorm", d, config.rms_norm_eps);
    made.norm2 = RmsNorm(weights, layer + "post_attention_layernorm", d, config.rms_norm_eps);
    if (config.qk_norm) {
      made.q_norm = RmsNorm(weights, attn + "q_norm", config.head, config.rms_norm_eps);
      made.k_norm = RmsNorm(weights, attn + "k_norm", config.head, config.rms_norm_eps);
    }
    made.qkv = Linear::joined(weights, {attn + "q_proj", attn + "k_proj", attn + "v_proj"}, {q, kv, kv}, d,
                              config.qkv_bias);
    made.out = Linear(weights, attn + "o_proj", d, q, config.out_bias);
    made.gate = Linear(weights, mlp + "gate_proj", inner, d, false);
    made.up = Linear(weights, mlp + "up_proj", inner, d, false);
    made.down = Linear(weights, mlp + "down_proj", d, inner, false);
    layers_.push_back(std::move(made));
  }
  quantize(weights);
}

void Decoder::quantize(const Weights &weights) {
  const Quantization bits = weights.placement().quantization;
  if (bits == Quantization::kNone || !has_kernels()) return;
  const Weight to = bits == Quantization::kInt8 ? Weight::kInt8 : Weight::kInt4;
  for (Layer &layer : layers_)
    for (Linear *linear : {&layer.qkv, &layer.out, &layer.gate, &layer.up, &layer.down}) linear->quantize(to, weights.memory());
  head_.quantize(Weight::kInt8, weights.memory());  // the choice among all words suffers most from four bits
}

at::Tensor Decoder::embed(const std::vector<int> &ids) const {
  const at::Tensor index =
      at::from_blob(const_cast<int *>(ids.data()), {int64_t(ids.size())}, at::kInt).to(device_);
  return at::index_select(embedding_, 0, index).to(at::kFloat);
}

bool Decoder::has_kernels() const {
  return device_.is_cpu() && (type_ == at::kFloat || type_ == at::kBFloat16);
}

void Decoder::attend_to(const KvSequence &sequence, int64_t layer, const float *q, int64_t stride, int64_t n,
                        float *out) const {
  const std::vector<const void *> keys = sequence.pointers(layer, 0), values = sequence.pointers(layer, 1);
  cpu().attention({.q = q,
                   .query_stride = stride,
                   .keys = nullptr,
                   .values = nullptr,
                   .bfloat16 = type_ == at::kBFloat16,
                   .queries = int(n),
                   .heads = int(config_.heads),
                   .kv_heads = int(config_.key_value_heads),
                   .head = int(config_.head),
                   .length = int(sequence.length()),
                   .row_stride = config_.head,
                   .head_stride = KvPool::kRows * config_.head,
                   .causal = true,
                   .scale = float(1 / std::sqrt(double(config_.head))),
                   .out = out,
                   .key_blocks = keys.data(),
                   .value_blocks = values.data(),
                   .block_rows = int(KvPool::kRows)},
                  nullptr);
}

at::Tensor Decoder::attend(int64_t index, const at::Tensor &x, const std::vector<Span> &spans,
                           const at::Tensor &cos, const at::Tensor &sin) const {
  const Layer &layer = layers_[size_t(index)];
  const int64_t n = x.size(0), heads = config_.heads, kv_heads = config_.key_value_heads;
  const at::Tensor qkv = layer.qkv(layer.norm1(x, type_)).view({n, heads + 2 * kv_heads, config_.head});
  at::Tensor turned = qkv.narrow(1, 0, heads + kv_heads);
  if (config_.qk_norm) {
    const at::Tensor wide = turned.to(at::kFloat);
    turned = at::cat({layer.q_norm(wide.narrow(1, 0, heads), at::kFloat),
                      layer.k_norm(wide.narrow(1, heads, kv_heads), at::kFloat)},
                     1);
  }
  const at::Tensor rotated = rotate(turned, cos, sin);
  const at::Tensor q = rotated.narrow(1, 0, heads), keys = rotated.narrow(1, heads, kv_heads),
                   values = qkv.narrow(1, heads + kv_heads, kv_heads);
  std::vector<at::Tensor> mixed;
  int64_t at = 0;
  for (const auto &[sequence, rows, positions] : spans) {
    sequence->write(index, sequence->length() - rows, keys.narrow(0, at, rows), values.narrow(0, at, rows));
    const at::Tensor own = q.narrow(0, at, rows);
    at += rows;
    if (has_kernels()) {
      const at::Tensor out = at::empty({rows, heads * config_.head});
      attend_to(*sequence, index, own.const_data_ptr<float>(), own.stride(0), rows, out.data_ptr<float>());
      mixed.push_back(out.to(type_));
    } else {
      mixed.push_back(attention(own, sequence->joined(index, 0), sequence->joined(index, 1), true));
    }
  }
  if (at < n) mixed.push_back(at::zeros({n - at, heads * config_.head}, mixed[0].options()));
  return layer.out(mixed.size() == 1 ? mixed[0] : at::cat(mixed));
}

void Decoder::check_position(int64_t position) const {
  TORCH_CHECK(position >= 0 && position < config_.context, "position ", position,
              " lies beyond the model's context of ", config_.context);
}

std::pair<at::Tensor, at::Tensor> Decoder::turns(const Span &span, int64_t first) const {
  check_position(first + span.rows - 1);
  if (!span.positions) return {rotary_.cos.narrow(0, first, span.rows), rotary_.sin.narrow(0, first, span.rows)};
  static_assert(sizeof(Position) == 3 * sizeof(int32_t));
  const at::Tensor places =
      at::from_blob(const_cast<Position *>(span.positions), {span.rows, 3}, at::kInt).to(at::kLong);
  check_position(places.min().item<int64_t>());
  check_position(places.max().item<int64_t>());
  const at::Tensor index =
      (axes_.defined() ? places.index_select(1, axes_) : places.narrow(1, 0, 1).expand({-1, config_.head / 2}))
          .to(device_);
  return {at::gather(rotary_.cos, 0, index), at::gather(rotary_.sin, 0, index)};
}

int64_t Decoder::places(int64_t rows) const { return device_.is_cpu() && type_ != at::kFloat ? compiled_rows(rows) : rows; }

at::Tensor Decoder::read(const at::Tensor &rows, const std::vector<Span> &spans, const at::Tensor &levels) {
  std::vector<at::Tensor> cos, sin;
  std::vector<int64_t> before;
  try {
    for (const Span &span : spans) {
      before.push_back(span.sequence->length());
      const auto [c, s] = turns(span, before.back());
      cos.push_back(c);
      sin.push_back(s);
      span.sequence->extend(pool_, span.rows);
    }
    const int64_t n = rows.size(0), unused = places(n) - n;
    if (unused > 0)
      for (auto *angles : {&cos, &sin}) angles->push_back(at::zeros({unused, config_.head / 2}, rotary_.cos.options()));
    const at::Tensor c = at::cat(cos), s = at::cat(sin);
    const at::Tensor x = at::zeros({n + unused, config_.hidden}, rows.options());
    x.narrow(0, 0, n).copy_(rows);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Layer &layer = layers_[i];
      x.add_(attend(int64_t(i), x, spans, c, s));
      const at::Tensor h = layer.norm2(x, type_);
      x.add_(layer.down(activate(config_.activation, layer.gate(h)).mul_(layer.up(h))));
      if (const int64_t first = int64_t(i) * config_.hidden; levels.defined() && first < levels.size(1))
        x.narrow(0, 0, n).add_(levels.narrow(1, first, config_.hidden));
    }
    std::vector<at::Tensor> last;
    int64_t end = 0;
    for (const Span &span : spans) last.push_back(x.narrow(0, (end += span.rows) - 1, 1));
    return norm_(last.size() == 1 ? last[0] : at::cat(last), type_);
  } catch (...) {
    for (size_t i = 0; i < before.size(); ++i) spans[i].sequence->truncate(before[i]);
    throw;
  }
}

at::Tensor Decoder::logits(const at::Tensor &hidden) const { return head_(hidden).to(at::kCPU, at::kFloat); }

}  // namespace vtok
