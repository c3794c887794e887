// What tokens are compared by: their first level and its lengths; what is not finite is refused here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "models/tokens.h"

namespace vtok {

/// Of float32 host tokens [n, dim], row by row: [n]. Throws BadTokens naming the first token that holds NaN
/// or infinity, and where dim < 1.
std::vector<float> finite_norms(const Tokens &tokens);

struct Keys {
  Tokens level;              // float32 [n, dim / levels]
  std::vector<float> norms;  // [n]
  const float *rows() const { return static_cast<const float *>(level.data.get()); }
  int dim() const { return level.dim; }
};
/// Of float32 host tokens; shares their numbers where they have one level. Throws BadTokens as finite_norms()
/// does, of every level.
Keys keys_of(const Tokens &tokens);

}  // namespace vtok
