// What tokens are compared by: their first level and its lengths; what is not finite is refused here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/norms.h"

#include <cmath>
#include <utility>

#include "kernels/kernels.h"
#include "models/error.h"

namespace vtok {

std::vector<float> finite_norms(const Tokens &tokens) {
  if (tokens.dim < 1)
    throw BadTokens("tokens are " + std::to_string(tokens.dim) + " numbers wide, expected at least 1");
  std::vector<float> norms(static_cast<size_t>(tokens.n));
  cpu().norms({.x = static_cast<const float *>(tokens.data.get()),
               .n = tokens.n,
               .d = tokens.dim,
               .out = norms.data()},
              nullptr);
  for (int i = 0; i < tokens.n; i++)
    if (!std::isfinite(norms[size_t(i)]))
      throw BadTokens("token " + std::to_string(i) + " of " + std::to_string(tokens.n) +
                      " holds NaN or infinity, expected finite numbers");
  return norms;
}

Keys keys_of(const Tokens &tokens) {
  std::vector<float> norms = finite_norms(tokens);
  if (tokens.levels == 1) return {tokens, std::move(norms)};
  Tokens level = first_level(tokens);
  norms = finite_norms(level);
  return {std::move(level), std::move(norms)};
}

}  // namespace vtok
