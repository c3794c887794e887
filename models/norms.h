// The lengths of tokens; tokens that are not finite are refused here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "models/tokens.h"

namespace vtok {

/// Of float32 host tokens [n, dim]: [n]. Throws BadTokens naming the first token that holds NaN or infinity,
/// and where dim < 1.
std::vector<float> finite_norms(const Tokens &tokens);

}  // namespace vtok
