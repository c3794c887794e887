// The cosine of two rows in double precision: what every faster way is measured against.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>

namespace vtok {

inline constexpr float kLeastNorm = 1e-12f;  // a row is divided by at least this, so that zeros stay zeros

/// a, b: [d], of lengths norm_a, norm_b.
inline double cosine(const float *a, const float *b, int d, float norm_a, float norm_b) {
  double sum = 0;
  for (int c = 0; c < d; c++) sum += double(a[c]) * b[c];
  return std::min(1., sum / std::max(norm_a, kLeastNorm) / std::max(norm_b, kLeastNorm));
}

}  // namespace vtok
