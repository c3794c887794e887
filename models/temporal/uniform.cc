// Temporal method `uniform`: tokens of a group at equal distances, frame after frame in raster order.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/temporal/thinned.h"

namespace vtok {

std::unique_ptr<Temporal> make_temporal_uniform(const CompressorSettings &settings) {
  return std::make_unique<Thinned<std::vector<int> (*)(int, int)>>(settings, evenly_spaced);
}

}  // namespace vtok
