// The reference cases of Semantic Connected Components (tests/golden/scc/README.md).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>
#include <filesystem>

#include "tests/npy.h"

namespace vtok::test {

struct SccCase {
  std::string name;
  std::map<std::string, Array> arrays;
  int frames, n, d;  // x is [frames, n, d]
  bool refused;
  const float *frame(int f) const { return arrays.at("x").floats() + size_t(f) * size_t(n) * size_t(d); }
  size_t taus() const { return arrays.at("tau").shape[0]; }
  double tau(size_t t) const { return arrays.at("tau").doubles()[t]; }
  /// `what` at tau number t.
  const Array &at(const std::string &what, size_t t) const {
    return arrays.at(what + "_" + std::to_string(int(tau(t) * 100 + 0.5)));
  }
};

inline std::vector<SccCase> scc_cases() {
  std::vector<SccCase> cases;
  for (const auto &entry : std::filesystem::directory_iterator(VTOK_GOLDEN "/scc")) {
    if (entry.path().extension() != ".npz") continue;
    SccCase c{entry.path().stem(), read_npz(entry.path()), 0, 0, 0, false};
    const auto &shape = c.arrays.at("x").shape;
    c.frames = int(shape.at(0)), c.n = int(shape.at(1)), c.d = int(shape.at(2));
    c.refused = c.arrays.at("expect_error").ints()[0] != 0;
    cases.push_back(std::move(c));
  }
  std::sort(cases.begin(), cases.end(), [](const SccCase &a, const SccCase &b) { return a.name < b.name; });
  if (cases.size() != 26)
    throw std::runtime_error("expected 26 reference cases, found " + std::to_string(cases.size()));
  return cases;
}

/// The greatest absolute difference; infinity where something is not finite.
inline double furthest(const float *a, const float *b, size_t n) {
  double worst = 0;
  for (size_t i = 0; i < n; i++)
    if (const double off = std::abs(double(a[i]) - b[i]); !(off <= worst))
      worst = off == off ? off : INFINITY;
  return worst;
}

}  // namespace vtok::test
