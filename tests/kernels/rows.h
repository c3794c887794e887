// Rows of numbers that kernels are tried on: noise, alike rows, gradients, exact integers, extremes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace vtok::test {

inline const char *const kKinds[] = {"noise", "integers",  "clusters", "gradient", "identical",
                                     "zeros", "some zero", "huge",     "tiny",     "mixed scales"};

/// [n, d] of the kind of that number; the same seed gives the same rows.
inline std::vector<float> make_rows(size_t kind, int n, int d, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(size_t(n) * size_t(d)), base(size_t(d) * 8);
  for (float &v : base) v = normal(random);
  for (size_t i = 0; i < size_t(n); i++) {
    const size_t centre = random() % 8;
    const float scale = kind == 7   ? 1e30f
                        : kind == 8 ? 1e-30f
                        : kind == 9 ? std::pow(10.f, float(i % 21) - 10)
                                    : 1.f;
    const bool zero = kind == 5 || (kind == 6 && i % 3 == 0);
    for (size_t c = 0; c < size_t(d); c++) {
      float v = normal(random);
      if (kind == 1)
        v = std::clamp(std::round(v * 2), -4.f, 4.f);
      else if (kind == 3)
        v = base[c] * std::cos(float(i) * 0.1f) + base[size_t(d) + c] * std::sin(float(i) * 0.1f);
      else if (kind == 4)
        v = base[c];
      else if (kind != 0)
        v = base[centre * size_t(d) + c] + v * 0.25f;
      x[i * size_t(d) + c] = zero ? 0 : v * scale;
    }
  }
  return x;
}

inline const int kCounts[] = {0, 1, 2, 3, 19, 63, 64, 65, 111, 196, 530};
inline const int kWidths[] = {1, 4, 64, 99};

}  // namespace vtok::test
