// What tokens are compared by: their first level and its lengths; what is not finite is refused here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/norms.h"

#include <cmath>
#include <utility>

#include "models/error.h"

namespace vtok {

Array<float> finite_norms(const Tokens &tokens, Stream &stream) {
  if (tokens.dim < 1)
    throw BadTokens("tokens are " + std::to_string(tokens.dim) + " numbers wide, expected at least 1");
  Array<float> norms(size_t(tokens.n), stream);
  stream.device().kernels().norms({.x = static_cast<const float *>(tokens.data.get()),
                                   .n = tokens.n,
                                   .d = tokens.dim,
                                   .out = norms.data()},
                                  &stream);
  const std::vector<float> seen = norms.download();
  for (size_t i = 0; i < seen.size(); i++)
    if (!std::isfinite(seen[i]))
      throw BadTokens("token " + std::to_string(i) + " of " + std::to_string(tokens.n) +
                      " holds NaN or infinity, expected finite numbers");
  return norms;
}

void check_finite(const Tokens &tokens, const std::shared_ptr<Stream> &stream) {
  const Tokens wide = to_float32(tokens, stream);
  const Use reading(wide, *stream);
  finite_norms(wide, *stream);
}

Keys keys_of(const Tokens &tokens, const std::shared_ptr<Stream> &stream) {
  Array<float> norms = finite_norms(tokens, *stream);
  if (tokens.levels == 1) return {tokens, std::move(norms)};
  Tokens level = first_level(tokens, stream);
  norms = finite_norms(level, *stream);
  return {std::move(level), std::move(norms)};
}

}  // namespace vtok
