// Temporal method `random`: tokens of a group drawn at random; the draw goes on from group to group.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/temporal/thinned.h"

namespace vtok {
namespace {

struct Draw {
  std::mt19937_64 random;
  std::vector<int> operator()(int n, int keep) { return at_random(n, keep, random); }
};

}  // namespace

std::unique_ptr<Temporal> make_temporal_random(const CompressorSettings &settings) {
  return std::make_unique<Thinned<Draw>>(settings, Draw{std::mt19937_64(settings.seed)});
}

}  // namespace vtok
