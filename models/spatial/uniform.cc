// Spatial method `uniform`: tokens at equal distances in raster order, as many as the budget says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "models/norms.h"
#include "models/spatial.h"
#include "models/subset.h"

namespace vtok {
namespace {

class Uniform : public Spatial {
  const Budget budget;
  OwnStream own_stream;

 public:
  explicit Uniform(const CompressorSettings &s) : budget(s.budget) {}

  Tokens compress(const Tokens &frame, int64_t source) override {
    const auto &stream = own_stream.on(frame);
    check_finite(frame, stream);
    const int keep = std::min(budget.keep(source, frame.n), frame.n);
    return keep == frame.n ? frame : subset(frame, evenly_spaced(frame.n, keep), stream);
  }
};

}  // namespace

std::unique_ptr<Spatial> make_spatial_uniform(const CompressorSettings &settings) {
  return std::make_unique<Uniform>(settings);
}

}  // namespace vtok
