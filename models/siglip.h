// The SigLIP vision tower: pixels in, the hidden states after a layer out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "models/layers.h"

namespace vtok {

class Siglip {
 public:
  /// Runs the first `layers` layers; those above are neither loaded nor run. 0: the patch embedding alone.
  Siglip(Weights &weights, const VisionConfig &config, int layers);
  /// pixels [n, 3, image_size, image_size], float32, normalised -> [n, grid * grid, hidden], float32, without
  /// post_layernorm.
  at::Tensor operator()(const at::Tensor &pixels) const;

 private:
  struct Layer {
    LayerNorm norm1, norm2;
    Linear qkv, out, fc1, fc2;
  };
  at::Tensor attend(const Layer &layer, const at::Tensor &x, int64_t frames) const;
  /// Runs a layer in place on x [frames * n, hidden]; share_out() with frames on threads of their own.
  void add(const Layer &layer, at::Tensor x, int64_t frames) const;
  void share_out(const Layer &layer, const at::Tensor &x, int64_t frames) const;

  VisionConfig config_;
  at::ScalarType type_;
  Linear embedding_;     // patch embedding as a product: [hidden, 3 * patch * patch]
  at::Tensor position_;  // [grid * grid, hidden], float32
  std::vector<Layer> layers_;
};

}  // namespace vtok
