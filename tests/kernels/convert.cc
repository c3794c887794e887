// Number types: every 16-bit number there and back, and what has no exact counterpart.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/kernels/tables.h"

using namespace vtok;

TEST_CASE("every 16-bit number comes back, NaN as NaN") {
  for (const Kernels *table : test::host_tables())
    for (Number type : {Number::kFloat16, Number::kBfloat16}) {
      std::vector<uint16_t> all(65536), back(65536);
      for (size_t i = 0; i < all.size(); i++) all[i] = uint16_t(i);
      std::vector<float> wide(65536);
      table->convert(
          {.x = all.data(), .from = type, .to = Number::kFloat32, .count = 65536, .out = wide.data()},
          nullptr);
      table->convert(
          {.x = wide.data(), .from = Number::kFloat32, .to = type, .count = 65536, .out = back.data()},
          nullptr);
      const uint16_t infinity = type == Number::kFloat16 ? 0x7c00 : 0x7f80;
      size_t wrong = 0;
      for (size_t i = 0; i < all.size(); i++)
        wrong += (all[i] & 0x7fff) > infinity ? !std::isnan(wide[i]) || (back[i] & 0x7fff) <= infinity
                                              : back[i] != all[i];
      CHECK(wrong == 0);
      CHECK(wide[type == Number::kFloat16 ? 0x3c00 : 0x3f80] == 1);
    }
}

TEST_CASE("ties go to the even number, what is too great to infinity") {
  const std::vector<float> x = {1 + 1.f / 2048, 1 + 3.f / 2048, 65519,  65520,
                                1 + 1.f / 256,  1 + 3.f / 256,  3.4e38f};
  std::vector<uint16_t> half(7), brain(7);
  for (const Kernels *table : test::host_tables()) {
    table->convert(
        {.x = x.data(), .from = Number::kFloat32, .to = Number::kFloat16, .count = 7, .out = half.data()},
        nullptr);
    table->convert(
        {.x = x.data(), .from = Number::kFloat32, .to = Number::kBfloat16, .count = 7, .out = brain.data()},
        nullptr);
    CHECK(half == std::vector<uint16_t>{0x3c00, 0x3c02, 0x7bff, 0x7c00, 0x3c04, 0x3c0c, 0x7c00});
    CHECK(brain == std::vector<uint16_t>{0x3f80, 0x3f80, 0x4780, 0x4780, 0x3f80, 0x3f82, 0x7f80});
    std::vector<float> same(7);
    table->convert(
        {.x = x.data(), .from = Number::kFloat32, .to = Number::kFloat32, .count = 7, .out = same.data()},
        nullptr);
    CHECK(same == x);
  }
}
