// Rows normalised and turned, against plain loops in double.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/layer_rows.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/half.h"
#include "tests/kernels/numbers.h"

using namespace vtok;
using test::Numbers, test::worst;

namespace {

constexpr uint32_t kSeed = 12;

}  // namespace

TEST_CASE("normalised rows") {
  std::mt19937 random(kSeed);
  for (const int n : {1, 3, 19, 64, 111, 896, 1280}) {
    CAPTURE(n, kSeed);
    const Numbers x(size_t(n), random), weight(size_t(n), random);
    double squares = 0;
    for (const float v : x.wide) squares += double(v) * v;
    const double by = 1 / std::sqrt(squares / n + 1e-6);
    std::vector<float> expected, out(size_t(n), NAN), narrow;
    for (int i = 0; i < n; i++) expected.push_back(float(x.wide[size_t(i)] * by * weight.wide[size_t(i)]));
    simd::normalize(x.wide.data(), weight.wide.data(), n, 1e-6f, out.data());
    CHECK(worst(out, expected) < 1e-5);
    std::vector<uint16_t> rounded(size_t(n), 0x7fc0);
    simd::normalize(x.wide.data(), weight.wide.data(), n, 1e-6f, rounded.data());
    for (size_t i = 0; i < rounded.size(); i++) CHECK(rounded[i] == to_bfloat16(out[i]));
    std::vector<float> in_place = x.wide;
    simd::normalize(in_place.data(), weight.wide.data(), n, 1e-6f, in_place.data());
    CHECK((in_place == out));
  }
}

TEST_CASE("turned rows") {
  std::mt19937 random(kSeed);
  for (const int half : {1, 3, 8, 16, 19, 32, 40, 64}) {
    CAPTURE(half, kSeed);
    const Numbers x(size_t(2 * half), random), angle(size_t(half), random);
    std::vector<float> cos, sin, expected(x.wide.size()), out(x.wide.size(), NAN), narrow(x.wide.size(), NAN);
    for (const float a : angle.wide) cos.push_back(std::cos(a)), sin.push_back(std::sin(a));
    for (size_t i = 0; i < size_t(half); i++) {
      const double a = x.wide[i], b = x.wide[size_t(half) + i];
      expected[i] = float(a * cos[i] - b * sin[i]);
      expected[size_t(half) + i] = float(b * cos[i] + a * sin[i]);
    }
    simd::turn(x.wide.data(), cos.data(), sin.data(), half, out.data());
    CHECK(worst(out, expected) < 1e-6);
    simd::turn(x.narrow.data(), cos.data(), sin.data(), half, narrow.data());
    CHECK((narrow == out));
  }
}
