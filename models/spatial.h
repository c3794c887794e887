// Spatial compressors: the tokens of one frame in, fewer out. To add one: a file in spatial/, a line in spatial.cc.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <span>
#include <string>

#include "models/tokens.h"

namespace vtok {

/// How far to compress. A share and a number are met exactly where there are as many tokens, a bound is never exceeded; the
/// smallest holds.
struct Budget {
  double retention = 0;  // (0, 1]: share of the encoder's tokens; 0: the method's own rule
  int tokens = 0;        // so many, of a group under rate control; 0: the method's own rule
  int max_tokens = 0;    // 0: none
  /// The number of tokens to keep of `source` encoder tokens, at least 1, where the method's own rule would keep `own`.
  int keep(int64_t source, int own) const;
};

/// Every method's settings; each uses those it knows.
struct CompressorSettings {
  double tau = 0.9;     // SCC links tokens whose cosine is above
  double epsilon = 0;   // SCC samples ceil(ln n / epsilon^2) nodes; 0: all (exact)
  uint64_t seed = 0;    // of the sampling
  bool incremental = false;
  Budget budget;
};

class Spatial {
 public:
  virtual ~Spatial() = default;
  /// `source`: the encoder's tokens in this frame (counts meta), for the budget. Throws BadTokens on NaN or Inf.
  virtual Tokens compress(const Tokens &frame, int64_t source) = 0;
};

struct SpatialMethod {
  const char *name;
  const char *help;
  std::unique_ptr<Spatial> (*make)(const CompressorSettings &);
};
std::span<const SpatialMethod> spatial_methods();

}  // namespace vtok
