// The table of spatial methods, and the arithmetic of budgets.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/spatial.h"

#include <algorithm>
#include <cmath>

namespace vtok {

int Budget::keep(int64_t source, int own) const {
  int64_t keep = retention > 0 ? std::llround(std::min(retention, 1.) * double(source)) : own;
  if (tokens > 0) keep = retention > 0 ? std::min<int64_t>(keep, tokens) : tokens;
  if (max_tokens > 0) keep = std::min<int64_t>(keep, max_tokens);
  return int(std::clamp<int64_t>(keep, 1, INT32_MAX));
}

std::unique_ptr<Spatial> make_spatial_none(const CompressorSettings &);
std::unique_ptr<Spatial> make_spatial_random(const CompressorSettings &);
std::unique_ptr<Spatial> make_spatial_scc(const CompressorSettings &);
std::unique_ptr<Spatial> make_spatial_uniform(const CompressorSettings &);

std::span<const SpatialMethod> spatial_methods() {
  static constexpr SpatialMethod kMethods[] = {
      {"none", "keeps every token", make_spatial_none},
      {"scc", "means of the connected components of tokens that are alike", make_spatial_scc},
      {"random", "tokens drawn at random: a baseline", make_spatial_random},
      {"uniform", "tokens at equal distances: a baseline", make_spatial_uniform},
  };
  return kMethods;
}

}  // namespace vtok
