// Names and shapes of a vision tower's tensors, by the kind of tower.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

#include "models/config.h"
#include "models/weights.h"

namespace vtok {

/// What each part is called below "vision_tower."; layers' parts below "<layers><index>.".
struct TowerNames {
  const char *patch, *position, *class_token, *pre_norm, *final_norm;
  const char *layers;
  const char *norm1, *norm2, *attention, *out, *scale1,
      *scale2;  // q_proj, k_proj, v_proj, q_norm, k_norm, out in `attention`
};
const TowerNames &tower_names(VisionConfig::Kind kind);

/// Every tensor of the tower, whichever layer's output is used.
std::vector<ExpectedTensor> tower_tensors(const VisionConfig &config);

}  // namespace vtok
