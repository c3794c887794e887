// Keyframe method `scene`: half the absolute difference between luma histograms of successive frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// They are smoothed, so that a small change of brightness moves them little. A cut counts until a frame is kept
// after it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "kernels/kernels.h"
#include "models/keyframe.h"

namespace vtok {
namespace {

constexpr int kReach = 24;  // levels that a pixel's weight is spread to either side, falling linearly

using Histogram256 = std::array<double, 256 + 2 * kReach>;  // sums to 1

Histogram256 smooth_histogram(const Thumbnail &frame) {
  uint32_t counts[256];
  cpu().histogram({.luma = frame.luma,
                   .width = frame.width,
                   .height = frame.height,
                   .stride = frame.stride,
                   .bins = 256,
                   .out = counts},
                  nullptr);
  Histogram256 smooth{};
  const double pixels = double(frame.width) * frame.height;
  for (int v = 0; v < 256; v++) {
    if (counts[v] == 0) continue;
    const double share = counts[v] / (pixels * kReach * kReach);  // the weights below add up to kReach^2
    for (int k = -kReach; k <= kReach; k++) smooth[size_t(v + kReach + k)] += share * (kReach - std::abs(k));
  }
  return smooth;
}

class Scene : public Selector<Thumbnail> {
  Histogram256 last{};
  bool seen = false;
  double cut = 0;  // the greatest since a frame was kept

 public:
  double change(const Thumbnail &frame) override {
    const Histogram256 now = smooth_histogram(frame);
    double sum = 0;
    for (size_t i = 0; i < now.size(); i++) sum += std::abs(now[i] - last[i]);
    cut = seen ? std::max(cut, std::min(1., sum / 2)) : 1;
    last = now;
    return cut;
  }
  void keep(const Thumbnail &frame) override {
    last = smooth_histogram(frame);
    seen = true;
    cut = 0;
  }
  void reset() override { seen = false; }
};

}  // namespace

std::unique_ptr<Selector<Thumbnail>> make_scene() { return std::make_unique<Scene>(); }

}  // namespace vtok
