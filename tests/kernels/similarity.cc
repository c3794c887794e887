// Norms and cosines: by hand, and every table against double precision.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <limits>

#include "kernels/cosine.h"
#include "tests/kernels/rows.h"
#include "tests/kernels/tables.h"

using namespace vtok;

TEST_CASE("by hand") {
  const float x[] = {3, 4, 0, 0, -6, -8, 4, -3};
  for (const Kernels *table : test::host_tables()) {
    float norms[4], cosines[16];
    table->norms({.x = x, .n = 4, .d = 2, .out = norms}, nullptr);
    CHECK(std::vector<float>(norms, norms + 4) == std::vector<float>{5, 0, 10, 5});
    table->similarity({.x = x, .norms = norms, .n = 4, .d = 2, .out = cosines}, nullptr);
    const float want[] = {1, 0, -1, 0, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0, 1};
    for (int i = 0; i < 16; i++) CHECK(cosines[i] == Approx(want[i]).margin(1e-6));
  }
}

TEST_CASE("what is not finite shows in the norm, what is great does not") {
  for (const Kernels *table : test::host_tables()) {
    std::vector<float> x(5 * 33, 1.f);
    x[0] = NAN, x[33 + 32] = INFINITY, x[66 + 7] = -INFINITY;
    for (int c = 0; c < 33; c++) x[size_t(99 + c)] = 3e38f, x[size_t(132 + c)] = 1e-40f;
    float norms[5];
    table->norms({.x = x.data(), .n = 5, .d = 33, .out = norms}, nullptr);
    INFO(table->name);
    CHECK_FALSE(std::isfinite(norms[0]));
    CHECK_FALSE(std::isfinite(norms[1]));
    CHECK_FALSE(std::isfinite(norms[2]));
    CHECK(norms[3] == std::numeric_limits<float>::max());
    CHECK(norms[4] == Approx(1e-40f * std::sqrt(33.)).epsilon(1e-3));
  }
}

TEST_CASE("every table agrees with double precision") {
  for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
    for (int n : test::kCounts)
      for (int d : {1, 19, 130}) {
        const std::vector<float> x = test::make_rows(kind, n, d, 7);
        for (const Kernels *table : test::host_tables()) {
          std::vector<float> norms(size_t(n) + 1), out(size_t(n) * n);
          table->norms({.x = x.data(), .n = n, .d = d, .out = norms.data()}, nullptr);
          table->similarity({.x = x.data(), .norms = norms.data(), .n = n, .d = d, .out = out.data()},
                            nullptr);
          double worst = 0;
          for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
              const double want =
                  cosine(&x[size_t(i) * d], &x[size_t(j) * d], d, norms[size_t(i)], norms[size_t(j)]);
              const double off = std::abs(out[size_t(i) * n + j] - want);
              if (!(off <= worst)) worst = off;
            }
          INFO(table->name << ": " << test::kKinds[kind] << " [" << n << ", " << d << "]");
          CHECK(worst < 1e-6);
        }
      }
}
