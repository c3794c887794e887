// Random numbers in the two types weights and caches have, and how far two results are apart.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace vtok::test {

/// The same numbers as float32 and as bfloat16: all are exact in bfloat16.
struct Numbers {
  std::vector<float> wide;
  std::vector<uint16_t> narrow;
  Numbers(size_t n, std::mt19937 &random) : wide(n), narrow(n) {
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < n; i++) {
      narrow[i] = uint16_t(std::bit_cast<uint32_t>(normal(random)) >> 16);
      wide[i] = std::bit_cast<float>(uint32_t(narrow[i]) << 16);
    }
  }
  const void *data(bool bfloat16) const {
    return bfloat16 ? static_cast<const void *>(narrow.data()) : wide.data();
  }
};

inline float worst(const std::vector<float> &a, const std::vector<float> &b) {
  float difference = 0;
  for (size_t i = 0; i < a.size(); i++) {
    if (std::isnan(a[i]) || std::isnan(b[i])) return INFINITY;
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference;
}

}  // namespace vtok::test
