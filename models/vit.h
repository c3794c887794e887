// The vision tower: pixels in, the hidden states after a layer out. What towers differ in is VisionConfig's.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "models/layers.h"

namespace vtok {

class Vit {
 public:
  /// Runs the first `layers` layers; those above are neither loaded nor run. 0: the embeddings alone. Tensors
  /// stand under vision_tower.
  Vit(Weights &weights, const VisionConfig &config, int layers);
  /// pixels [n, 3, image_size, image_size], float32, normalised -> [n, rows, hidden], float32: the class
  /// token, where there is one, then the patches row by row.
  at::Tensor operator()(const at::Tensor &pixels) const;

 private:
  using Norm = std::variant<LayerNorm, RmsNorm>;
  struct Layer {
    Norm norm1, norm2;
    RmsNorm q_norm, k_norm;  // without weights: none
    Linear qkv, out, fc1, fc2;
    at::Tensor scale1, scale2;  // [hidden], float32; undefined: none
  };
  Norm norm(Weights &weights, const std::string &name) const;
  at::Tensor normed(const Norm &norm, const at::Tensor &x) const;  // in the placement's type
  at::Tensor attend(const Layer &layer, const at::Tensor &x, int64_t frames) const;
  /// Runs a layer in place on x [frames * rows, hidden]; share_out() with frames on threads of their own.
  void add(const Layer &layer, at::Tensor x, int64_t frames) const;
  void share_out(const Layer &layer, const at::Tensor &x, int64_t frames) const;

  VisionConfig config_;
  at::ScalarType type_;
  Linear embedding_;          // patch embedding as a product: [hidden, 3 * patch * patch]
  at::Tensor class_;          // [hidden], float32; undefined: none
  at::Tensor position_;       // [rows, hidden], float32
  LayerNorm before_, after_;  // without weights: none
  std::vector<Layer> layers_;
};

}  // namespace vtok
