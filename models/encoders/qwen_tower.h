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
  /// A token's levels stand one after another: [steps, rows * columns, (1 + levels) * out].
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
  Norm norm(Weights &weights, const std::string &name, int64_t width) const;
  at::Tensor normed(const Norm &norm, const at::Tensor &x) const;
  /// x [n, hidden]; rows see each other up to the next of `ends`.
  at::Tensor attend(const Layer &layer, const at::Tensor &x, const std::vector<int64_t> &ends, const at::Tensor &cos,
                    const at::Tensor &sin) const;

  QwenTowerConfig config_;
  at::ScalarType type_;
  Linear embedding_;  // [hidden, 3 * 2 * patch * patch]
  std::vector<Layer> layers_;
  at::Tensor position_;  // [positions, positions, hidden], float32; undefined: none
  /// Units of patches to tokens. The norm is of a patch, for a level of a whole unit.
  struct Merger {
    Norm norm;
    Linear first, second;
  };
  Merger merger(Weights &weights, const std::string &name, const std::string &norm, int64_t width) const;
  at::Tensor merged(const Merger &merger, const at::Tensor &x, int64_t width) const;
  Merger merger_;
  std::vector<Merger> levels_;
  /// Learned positions of patches, put between those of the grid they were learned on: corner on corner.
  at::Tensor places(const std::vector<int64_t> &down, const std::vector<int64_t> &across, int64_t rows, int64_t columns) const;
};

}  // namespace vtok
