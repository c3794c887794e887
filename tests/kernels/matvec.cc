// Matrix times row, and attention over a cache: hand-computed cases, and every table against plain().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/tables.h"

using namespace vtok;

namespace {

constexpr uint32_t kSeed = 11;

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

float worst(const std::vector<float> &a, const std::vector<float> &b) {
  float difference = 0;
  for (size_t i = 0; i < a.size(); i++) {
    if (std::isnan(a[i]) || std::isnan(b[i])) return INFINITY;
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference;
}

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
    for (bool bfloat16 : {false, true}) {
      const Numbers weights(size_t(rows) * columns, random), x(columns, random), bias(rows, random);
      std::vector<float> expected(rows, NAN);
      MatVec args{.weights = weights.data(bfloat16),
                  .bfloat16 = bfloat16,
                  .rows = rows,
                  .columns = columns,
                  .x = x.wide.data(),
                  .bias = bias.wide.data(),
                  .out = expected.data()};
      plain().matvec(args, nullptr);
      for (const Kernels *table : test::host_tables()) {
        std::vector<float> out(rows, NAN);
        args.out = out.data();
        table->matvec(args, nullptr);
        CAPTURE(table->name, rows, columns, bfloat16, kSeed);
        CHECK(worst(out, expected) < 2e-6 * columns + 1e-6);
      }
    }
}

TEST_CASE("attention by hand: equal keys give the mean of the values") {
  const float q[] = {1, 2, 3, 4}, keys[] = {1, 1, 1, 1, 9, 9}, values[] = {1, 2, 3, 6, 100, 100};
  for (const Kernels *table : test::host_tables()) {
    float out[4] = {};
    table->attend({.q = q,
                   .keys = keys,
                   .values = values,
                   .bfloat16 = false,
                   .heads = 2,
                   .kv_heads = 1,
                   .head = 2,
                   .length = 2,
                   .stride = 3,
                   .scale = 0.5f,
                   .out = out},
                  nullptr);
    for (int h = 0; h < 2; h++) {
      CHECK(out[h * 2] == Approx(2));
      CHECK(out[h * 2 + 1] == Approx(4));
    }
  }
}

TEST_CASE("attention of every table") {
  std::mt19937 random(kSeed);
  for (int length : {1, 2, 19, 500})
    for (const auto &[heads, kv_heads, head] : {std::tuple{14, 2, 64}, {10, 2, 8}, {4, 4, 18}})
      for (bool bfloat16 : {false, true}) {
        const int64_t stride = length + 5;
        const Numbers q(size_t(heads) * head, random), keys(size_t(kv_heads) * stride * head, random),
            values(keys.wide.size(), random);
        std::vector<float> expected(q.wide.size(), NAN);
        Attend args{.q = q.wide.data(),
                    .keys = keys.data(bfloat16),
                    .values = values.data(bfloat16),
                    .bfloat16 = bfloat16,
                    .heads = heads,
                    .kv_heads = kv_heads,
                    .head = head,
                    .length = length,
                    .stride = stride,
                    .scale = 1 / std::sqrt(float(head)),
                    .out = expected.data()};
        plain().attend(args, nullptr);
        for (const Kernels *table : test::host_tables()) {
          std::vector<float> out(expected.size(), NAN);
          args.out = out.data();
          table->attend(args, nullptr);
          CAPTURE(table->name, length, heads, kv_heads, head, bfloat16, kSeed);
          CHECK(worst(out, expected) < 1e-5);
        }
      }
}
