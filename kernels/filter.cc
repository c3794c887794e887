// Resize weights, as Note [Resizing, exactly] in filter.h defines them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace vtok {
namespace {

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double value(Interpolation interpolation, double x) {
  x = std::abs(x);
  switch (interpolation) {
    case Interpolation::kBilinear:
      return std::max(0., 1 - x);
    case Interpolation::kBicubic: {
      constexpr double a = -0.5;
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
      return 0;
    }
    case Interpolation::kLanczos:
      return x < 3 ? sinc(x) * sinc(x / 3) : 0;
  }
  throw std::invalid_argument("unknown interpolation " + std::to_string(int(interpolation)));
}

double reach(Interpolation interpolation) { return 1 + int(interpolation); }

}  // namespace

Filter make_filter(int in, int out, Interpolation interpolation) {
  if (in < 1 || out < 1)
    throw std::invalid_argument("resize from " + std::to_string(in) + " to " + std::to_string(out) +
                                " pixels, expected at least 1");
  Filter f{.in = in, .out = out};
  if (in == out) return f;
  const double scale = double(in) / out, stretch = std::max(scale, 1.),
               support = reach(interpolation) * stretch;
  std::vector<std::vector<double>> rows(static_cast<size_t>(out));
  double top = 0;
  for (int i = 0; i < out; i++) {
    const double centre = scale * (i + 0.5);
    const int lo = std::max(int(centre - support + 0.5), 0), hi = std::min(int(centre + support + 0.5), in);
    auto &w = rows[size_t(i)];
    double sum = 0;
    for (int j = lo; j < hi; j++) sum += w.emplace_back(value(interpolation, (j - centre + 0.5) / stretch));
    if (sum != 0)
      for (double &x : w) x /= sum;
    for (double x : w) top = std::max(top, x);
    f.first.push_back(lo);
    f.taps = std::max(f.taps, int(w.size()));
  }
  while (f.precision < 22 && int(0.5 + top * (1 << (f.precision + 1))) < 1 << 15) f.precision++;
  f.weights.assign(size_t(out) * f.taps, 0);
  for (int i = 0; i < out; i++) {
    const int lo = f.first[size_t(i)], shift = lo - std::min(lo, in - f.taps);  // keeps first + taps inside
    f.first[size_t(i)] -= shift;
    for (size_t j = 0; j < rows[size_t(i)].size(); j++)
      f.weights[size_t(i) * f.taps + size_t(shift) + j] =
          int16_t(std::lround(rows[size_t(i)][j] * (1 << f.precision)));
  }
  return f;
}

}  // namespace vtok
