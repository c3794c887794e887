// Lengths and cosines of rows in double precision: what every faster way is measured against.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

namespace vtok {

inline constexpr float kLeastNorm = 1e-12f;  // a row is divided by at least this, so that zeros stay zeros

/// Of a row [d]; not finite where, and only where, the row is not.
inline float length(const float *x, int d) {
  double sum = 0;
  for (int c = 0; c < d; c++) sum += double(x[c]) * x[c];
  const double top = std::numeric_limits<float>::max();
  return float(std::isfinite(sum) ? std::min(std::sqrt(sum), top) : sum);
}

/// a, b: [d], of lengths norm_a, norm_b.
inline double cosine(const float *a, const float *b, int d, float norm_a, float norm_b) {
  double sum = 0;
  for (int c = 0; c < d; c++) sum += double(a[c]) * b[c];
  return std::min(1., sum / std::max(norm_a, kLeastNorm) / std::max(norm_b, kLeastNorm));
}

}  // namespace vtok
