// Semantic Connected Components (LLaVA-Scissor, arXiv 2506.21862): what spatial and temporal step share.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <vector>

#include "models/device_tokens.h"
#include "models/spatial.h"

namespace vtok {

/// Which component each token of a set belongs to.
struct Partition {
  std::vector<int> labels;  // [n], 0 <= label < count()
  std::vector<int> hubs;    // [count()], ascending: the member of highest degree (ties: the lowest index)
  int count() const { return int(hubs.size()); }
};

/// Components of the tokens whose cosine is above settings.tau, or, where the budget asks for another number
/// than that gives, of the maximum spanning tree cut to exactly that number. x [n, d] float32, finite, and
/// norms [n] lie on the stream's device. `source`: the encoder's tokens the set stands for. Waits for the
/// stream. On a device only labels and hubs come back, but a tree is grown on the host, from a copy of the
/// rows.
Partition scc(const float *x, const float *norms, int n, int d, const CompressorSettings &settings,
              int64_t source, Stream &stream);

/// Means of the rows x [n, d] by label, float32 [m, d] on the stream's device; a label without rows gives
/// zeros. Its records are not set.
Tokens means_by_label(const float *x, int d, const std::vector<int> &labels, int m,
                      const std::shared_ptr<Stream> &stream);

}  // namespace vtok
