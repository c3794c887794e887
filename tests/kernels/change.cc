// Differences over a grid of blocks, and histograms.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <numeric>

#include "tests/kernels/tables.h"

using namespace vtok;

TEST_CASE("differences are the mean of their own block") {
  const uint8_t a[] = {0, 0, 10, 99, 0, 0, 10, 99, 5, 5, 5, 99},
                b[] = {255, 255, 10, 0, 255, 255, 20, 0, 5, 8, 5, 0};
  for (const Kernels *table : test::host_tables()) {
    float out[4];
    table->change({.a = a,
                   .b = b,
                   .width = 3,
                   .height = 3,
                   .stride_a = 4,
                   .stride_b = 4,
                   .columns = 2,
                   .rows = 2,
                   .out = out},
                  nullptr);
    CHECK(out[0] == 1);
    CHECK(out[1] == Approx(255 / (255. * 2)));
    CHECK(out[2] == Approx(255 / (255. * 2)));
    CHECK(out[3] == Approx(268 / (255. * 4)));
  }
}

TEST_CASE("histograms count every pixel once") {
  std::vector<uint8_t> luma(17 * 9);
  std::iota(luma.begin(), luma.end(), uint8_t(0));
  for (const Kernels *table : test::host_tables())
    for (int bins : {1, 7, 16, 256}) {
      std::vector<uint32_t> out(size_t(bins), 12345u);
      table->histogram(
          {.luma = luma.data(), .width = 15, .height = 9, .stride = 17, .bins = bins, .out = out.data()},
          nullptr);
      CHECK(std::accumulate(out.begin(), out.end(), 0u) == 15 * 9);
      if (bins == 256) CHECK(out[14] + out[15] + out[17] == 2);
      if (bins == 16) CHECK(out[0] == 15);
    }
}
