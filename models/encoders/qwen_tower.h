// The vision tower of Qwen2-VL and Qwen2.5-VL: patches of two frames in, one token for each unit of patches out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <variant>
#include <vector>

#include "models/families/qwen_vl.h"
#include "models/layers.h"

namespace vtok {

class QwenTower {
 public:
  /// What comes before and after the merger, float32 on the host, units in the order of their windows.
  struct Stages {
    at::Tensor vision;     // [steps * patches, hidden]
    at::Tensor projector;  // [steps * units, out]
  };
  QwenTower(Weights &weights, const QwenTowerConfig &config);
  /// Frame pairs of one size: [steps * rows * columns units, merge * merge patches of a unit, numbers of a patch], float32 -> tokens
  /// [steps, rows * columns, out] in the placement's type, row by row.
  at::Tensor operator()(const at::Tensor &patches, int rows, int columns, Stages *stages) const;

 private:
  using Norm = std::variant<LayerNorm, RmsNorm>;
  struct Layer {
    Norm norm1, norm2;
    Linear qkv, out, gate, up, down;  // gate without weights: none
  };
  /// Which units see each other: `order` is each unit's place before they are put window by window, windows end at `ends`.
  struct Windows {
    std::vector<int64_t> order, ends;
  };
  Windows windows(int rows, int columns) const;
  Norm norm(Weights &weights, const std::string &name) const;
  at::Tensor normed(const Norm &norm, const at::Tensor &x) const;
  /// x [n, hidden]; rows see each other up to the next of `ends`.
  at::Tensor attend(const Layer &layer, const at::Tensor &x, const std::vector<int64_t> &ends, const at::Tensor &cos,
                    const at::Tensor &sin) const;

  QwenTowerConfig config_;
  at::ScalarType type_;
  Linear embedding_;  // [hidden, 3 * 2 * patch * patch]
  std::vector<Layer> layers_;
  Norm before_;  // the merger's
  Linear merger1_, merger2_;
};

}  // namespace vtok
