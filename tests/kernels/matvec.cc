// Matrix times a few rows: hand-computed cases, every table against plain(), and rows that do not touch each other.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/numbers.h"
#include "tests/kernels/tables.h"

using namespace vtok;
using test::Numbers, test::worst;

namespace {

constexpr uint32_t kSeed = 11;

}  // namespace

TEST_CASE("a small product by hand") {
  const float weights[] = {1, 2, 3, -1, 0, 4}, x[] = {2, 1, -1}, bias[] = {10, 20};
  for (const Kernels *table : test::host_tables()) {
    float out[2] = {};
    table->matvec(
        {.weights = weights, .bfloat16 = false, .rows = 2, .columns = 3, .x = x, .bias = bias, .out = out},
        nullptr);
    CHECK(out[0] == 11);
    CHECK(out[1] == 14);
  }
}

TEST_CASE("products of every table") {
  std::mt19937 random(kSeed);
  for (const auto &[rows, columns] :
       {std::pair{1, 1}, {3, 19}, {7, 64}, {99, 111}, {500, 896}, {1152, 896}, {130, 4864}})
    for (const auto &[bfloat16, n] : {std::pair{false, 1}, {true, 1}, {false, 3}, {true, 7}}) {
      const Numbers weights(size_t(rows) * columns, random), x(size_t(n) * columns, random), bias(rows, random);
      std::vector<float> expected(size_t(n) * rows, NAN);
      MatVec args{.weights = weights.data(bfloat16),
                  .bfloat16 = bfloat16,
                  .rows = rows,
                  .columns = columns,
                  .x = x.wide.data(),
                  .bias = bias.wide.data(),
                  .out = expected.data(),
                  .n = n};
      plain().matvec(args, nullptr);
      for (const Kernels *table : test::host_tables()) {
        std::vector<float> out(expected.size(), NAN), alone(out.size(), NAN);
        args.out = out.data();
        table->matvec(args, nullptr);
        CAPTURE(table->name, rows, columns, bfloat16, n, kSeed);
        CHECK(worst(out, expected) < 2e-6 * columns + 1e-6);
        MatVec one = args;
        one.n = 1;
        for (int i = 0; i < n; ++i) {
          one.x = args.x + size_t(i) * columns;
          one.out = alone.data() + size_t(i) * rows;
          table->matvec(one, nullptr);
        }
        CHECK(out == alone);
      }
    }
}
