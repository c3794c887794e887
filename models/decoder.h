// The language model: input rows in, logits out, many sequences at a time. What families differ in is TextConfig's.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <utility>
#include <vector>

#include "models/kv_cache.h"
#include "models/layers.h"
#include "models/positions.h"

namespace vtok {

class Decoder {
 public:
  /// Tensors stand under language_model.
  Decoder(Weights &weights, const TextConfig &config);

  /// Some rows of one sequence, after those it has read.
  struct Span {
    KvSequence *sequence;
    int64_t rows;
    const Position *positions = nullptr;  // one for each row; null: they count on from the sequence's length
  };

  at::Tensor embed(const std::vector<int> &ids) const;  // [n, hidden], float32
  at::Tensor mean_embedding() const { return mean_; }     // [hidden], float32
  /// Reads rows [n, hidden] (float32, on the model's device): those of the first span, then of the next, each sequence once;
  /// returns the hidden state of each span's last row after the final norm, [spans, hidden]. Where it throws, the sequences are
  /// as before.
  /// `levels` [n, levels * hidden], float32: what is added to the rows after the first layers, one level after each; undefined: nothing.
  at::Tensor read(const at::Tensor &rows, const std::vector<Span> &spans, const at::Tensor &levels = {});
  at::Tensor logits(const at::Tensor &hidden) const;  // [n, hidden] -> [n, vocabulary], float32, on the host
  /// Reads one id in each sequence; logits [n, vocabulary], float32, on the host. What a sequence gets does not depend on the
  /// others. On a CPU in float32 and bfloat16 by kernels that read every weight once and in order for up to four sequences:
  /// decoding is bound by the memory's bandwidth, which is why a quantised model's copy in fewer bits is read here. Everything
  /// else, reading the video above all, is bound by arithmetic and keeps the checkpoint's weights.
  /// `positions` of the ids.
  at::Tensor step(const std::vector<int> &ids, const std::vector<KvSequence *> &sequences,
                  const std::vector<int64_t> &positions);
  KvPool &pool() { return pool_; }

  const TextConfig &config() const { return config_; }
  at::Device device() const { return device_; }

 private:
  struct Layer {
    RmsNorm norm1, norm2;
    RmsNorm q_norm, k_norm;  // of each head, before the rotation; without weights: none
    Linear qkv, out, gate, up, down;
  };
  at::Tensor attend(int64_t layer, const at::Tensor &x, const std::vector<Span> &spans, const at::Tensor &cos,
                    const at::Tensor &sin) const;
  /// The last n rows of a sequence attend to all of it: q [n, heads, head], query i at q + i * stride, out the same without gaps.
  void attend_to(const KvSequence &sequence, int64_t layer, const float *q, int64_t stride, int64_t n, float *out) const;
  void step_layer(int64_t layer, const std::vector<KvSequence *> &sequences, const std::vector<int64_t> &positions,
                  float *x) const;
  /// Cosines and sines [rows, head / 2] of a span that begins at row `first` of its sequence.
  std::pair<at::Tensor, at::Tensor> turns(const Span &span, int64_t first) const;
  void check_position(int64_t position) const;
  bool has_kernels() const;
  int64_t places(int64_t rows) const;  // layers.h, Note [Compiled products]
  void quantize(const Weights &weights);

  TextConfig config_;
  at::Device device_;
  at::ScalarType type_;
  at::Tensor embedding_;  // [vocabulary, hidden]
  at::Tensor mean_;       // of its rows, float32
  Linear head_;           // shares embedding_ where tied
  RmsNorm norm_;
  Rotary rotary_;
  at::Tensor axes_;  // [head / 2], int64 on the host: which of three positions turns each pair; undefined: there is one
  std::vector<Layer> layers_;
  KvPool pool_;
};

}  // namespace vtok
