// The tensors a checkpoint must have, and one sentence on those that are missing, extra or wrongly shaped.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint.h"
#include "models/config.h"

namespace vtok {

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
  bool optional = false;
};

/// A language model's, under language_model.
std::vector<ExpectedTensor> text_tensors(const TextConfig &config);

/// Throws std::runtime_error naming a few of the tensors that are missing, have another shape or number type
/// than expected, or stand under `prefixes` without being expected, and how many there are. Every name that
/// is under none of `known` prefixes is extra too: such a file is of another model. Left alone are buffers
/// that files of older releases hold (position_ids, inv_freq) and SigLIP's pooling head and last norm, which
/// no token passes.
void check_tensors(const Checkpoint &checkpoint, const std::vector<ExpectedTensor> &expected,
                   const std::vector<std::string_view> &prefixes, const std::vector<std::string_view> &known);

}  // namespace vtok
