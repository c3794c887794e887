// Qwen2, the language model of LLaVA-OneVision: input rows in, logits out, with a key/value cache.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "models/kv_cache.h"
#include "models/layers.h"

namespace vtok {

class Qwen2 {
 public:
  Qwen2(Weights &weights, const TextConfig &config);

  KvCache make_cache() const;
  at::Tensor embed(const std::vector<int> &ids) const;  // [n, hidden], float32
  /// Reads rows [n, hidden] (float32, on the model's device) after those in the cache; returns the last row's
  /// hidden state [1, hidden] after the final norm.
  at::Tensor read(const at::Tensor &rows, KvCache &cache) const;
  at::Tensor logits(const at::Tensor &hidden) const;  // [n, hidden] -> [n, vocabulary], float32, on the host
  /// Reads one id after the rows in the cache; logits [1, vocabulary], float32, on the host. On a CPU in
  /// float32 and bfloat16 by kernels that read every weight once and in order: decoding is bound by the
  /// memory's bandwidth.
  at::Tensor step(int id, KvCache &cache) const;

  const TextConfig &config() const { return config_; }
  at::Device device() const { return device_; }

 private:
  struct Layer {
    RmsNorm norm1, norm2;
    Linear qkv, out, gate, up, down;
  };
  at::Tensor attend(const Layer &layer, KvCache::Layer &cache, const at::Tensor &x, int64_t first) const;

  void step_layer(const Layer &layer, KvCache::Layer &cache, float *x, int64_t position,
                  int64_t capacity) const;

  TextConfig config_;
  at::Device device_;
  at::ScalarType type_;
  at::Tensor embedding_;  // [vocabulary, hidden]
  Linear head_;           // shares embedding_ where tied
  RmsNorm norm_;
  Rotary rotary_;
  std::vector<Layer> layers_;
};

}  // namespace vtok
