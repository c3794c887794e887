// Semantic Connected Components (LLaVA-Scissor, arXiv 2506.21862): what spatial and temporal step share.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <vector>

#include "models/spatial.h"

namespace vtok {

/// Which component each token of a set belongs to.
struct Partition {
  std::vector<int> labels;  // [n], 0 <= label < count()
  std::vector<int> hubs;    // [count()], ascending: the member of highest degree (ties: the lowest index)
  int count() const { return int(hubs.size()); }
};

/// Components of the tokens whose cosine is above settings.tau, or, where the budget asks for another number
/// than that gives, of the maximum spanning tree cut to exactly that number. x [n, d] float32, finite; norms
/// [n]. `source`: the encoder's tokens the set stands for.
Partition scc(const float *x, const float *norms, int n, int d, const CompressorSettings &settings,
              int64_t source);

}  // namespace vtok
