// Spatial method `random`: tokens drawn at random within the budget; the draw goes on from frame to frame.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "models/norms.h"
#include "models/spatial.h"
#include "models/subset.h"

namespace vtok {
namespace {

class Random : public Spatial {
  const Budget budget;
  OwnStream own_stream;
  std::mt19937_64 random;

 public:
  explicit Random(const CompressorSettings &s) : budget(s.budget), random(s.seed) {}

  Tokens compress(const Tokens &frame, int64_t source) override {
    const auto &stream = own_stream.on(frame);
    check_finite(frame, stream);
    const int keep = std::min(budget.keep(source, frame.n), frame.n);
    return keep == frame.n ? frame : subset(frame, at_random(frame.n, keep, random), stream);
  }
};

}  // namespace

std::unique_ptr<Spatial> make_spatial_random(const CompressorSettings &settings) {
  return std::make_unique<Random>(settings);
}

}  // namespace vtok
