// Matrix times a few rows: hand-computed cases, every table against plain(), and rows that do not touch each other.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/half.h"
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
        {.weights = weights, .type = Weight::kFloat32, .rows = 2, .columns = 3, .x = x, .bias = bias, .out = out},
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
                  .type = bfloat16 ? Weight::kBfloat16 : Weight::kFloat32,
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

TEST_CASE("weights in fewer bits by hand") {
  std::vector<float> row(kScaled, 0);
  row[0] = -8, row[1] = 3, row[31] = 1, row[32] = 7, row[63] = -2.4f;
  std::vector<float> x(kScaled, 0);
  x[0] = 1, x[1] = 10, x[32] = 100, x[63] = 1000;
  for (const Kernels *table : test::host_tables()) {
    CAPTURE(table->name);
    std::vector<uint8_t> q(kScaled);
    uint16_t scale = 0;
    float out = 0;
    table->quantize({row.data(), Weight::kFloat32, 1, kScaled, Weight::kInt4, q.data(), &scale}, nullptr);
    CHECK(from_bfloat16(scale) == 1);
    CHECK(int(q[0]) == (0 | 15 << 4));   // -8 and 7
    CHECK(int(q[1]) == (11 | 8 << 4));   // 3 and 0
    CHECK(int(q[31]) == (9 | 6 << 4));   // 1 and -2
    table->matvec({q.data(), Weight::kInt4, 1, kScaled, x.data(), nullptr, &out, 1, &scale}, nullptr);
    CHECK(out == Approx(-8 + 30 + 700 - 2000).margin(8 * 1000 / 32767.0));  // x in 16 bits: 1 is 33 / 32.767
    table->quantize({row.data(), Weight::kFloat32, 1, kScaled, Weight::kInt8, q.data(), &scale}, nullptr);
    CHECK(from_bfloat16(scale) == Approx(8 / 127.0).epsilon(1.0 / 256));
    CHECK(int(int8_t(q[0])) == -127);
    CHECK(int(int8_t(q[1])) == 48);  // 47.6
    CHECK(int(int8_t(q[63])) == -38);
  }
}

TEST_CASE("products with weights of fewer bits, every table") {
  std::mt19937 random(kSeed);
  for (const auto &[rows, columns] : {std::pair{1, 64}, {3, 128}, {65, 704}, {200, 896}, {130, 4864}, {5, 0}})
    for (const Weight to : {Weight::kInt8, Weight::kInt4})
      for (const auto &[bfloat16, n] : {std::pair{false, 1}, {true, 2}, {true, 7}}) {
        CAPTURE(rows, columns, int(to), bfloat16, n, kSeed);
        Numbers weights(size_t(rows) * columns, random);
        const Numbers x(size_t(n) * columns, random), bias(rows, random);
        if (columns) std::fill_n(weights.narrow.begin(), kScaled, uint16_t(0));  // 64 zeros have no scale
        if (columns) std::fill_n(weights.wide.begin(), kScaled, 0.f);
        std::vector<uint8_t> q(weights.wide.size()), same(q.size());
        std::vector<uint16_t> scales(q.size() / kScaled);
        std::vector<float> expected(size_t(n) * rows, NAN), full(expected.size());
        Quantize narrow{weights.data(bfloat16), bfloat16 ? Weight::kBfloat16 : Weight::kFloat32, rows, columns, to, q.data(), scales.data()};
        plain().quantize(narrow, nullptr);
        narrow.out = same.data();
        cpu().quantize(narrow, nullptr);
        CHECK(q == same);
        MatVec args{q.data(), to, rows, columns, x.wide.data(), bias.wide.data(), expected.data(), n, scales.data()};
        plain().matvec(args, nullptr);
        MatVec exact{weights.wide.data(), Weight::kFloat32, rows, columns, x.wide.data(), bias.wide.data(), full.data(), n};
        plain().matvec(exact, nullptr);
        // Errors are even in half a step of about 2.5 / 127 and 2.5 / 8, and add up like a random walk.
        CHECK(worst(expected, full) < (to == Weight::kInt8 ? 0.01 : 0.15) * 5 * std::sqrt(double(columns)) + 1e-6);
        std::vector<float> out(expected.size(), NAN), alone(out.size(), NAN);
        args.out = out.data();
        cpu().matvec(args, nullptr);
        CHECK(worst(out, expected) < 3e-6 * columns + 1e-6);
        args.n = 1;
        for (int i = 0; i < n; ++i) {
          args.x = x.wide.data() + size_t(i) * columns;
          args.out = alone.data() + size_t(i) * rows;
          cpu().matvec(args, nullptr);
        }
        CHECK(out == alone);
      }
}

TEST_CASE("extreme rows and weights of fewer bits") {
  constexpr int kRows = 9, kColumns = 3 * kScaled;
  std::mt19937 random(kSeed);
  const float tiny = 1e-38f, huge = 1e30f;
  for (const auto &[weight, number] : {std::pair{0.f, 1.f}, {tiny, 1.f}, {1e-20f, 1e20f}, {huge, 1e-30f}, {1.f, 0.f}, {1.f, tiny},
                                       {1.f, 1e30f}, {1e-30f, huge}, {1.f, INFINITY}, {1.f, NAN}})
    for (const Weight to : {Weight::kInt8, Weight::kInt4}) {
      CAPTURE(weight, number, int(to), kSeed);
      Numbers weights(kRows * kColumns, random), x(2 * kColumns, random);
      for (float &w : weights.wide) w = std::clamp(w, -1.f, 1.f) * weight;
      x.wide[kScaled + 7] = number;  // in the first row's second 64 columns alone
      for (int c = 2 * kScaled; c < kColumns; c++) x.wide[size_t(c)] *= number / 8;
      std::vector<uint8_t> q(weights.wide.size()), same(q.size());
      std::vector<uint16_t> scales(q.size() / kScaled), same_scales(scales.size());
      plain().quantize({weights.wide.data(), Weight::kFloat32, kRows, kColumns, to, q.data(), scales.data()}, nullptr);
      cpu().quantize({weights.wide.data(), Weight::kFloat32, kRows, kColumns, to, same.data(), same_scales.data()}, nullptr);
      CHECK(q == same);
      CHECK(scales == same_scales);
      std::vector<float> expected(2 * kRows, NAN), out(expected);
      MatVec args{q.data(), to, kRows, kColumns, x.wide.data(), nullptr, expected.data(), 2, scales.data()};
      plain().matvec(args, nullptr);
      args.out = out.data();
      cpu().matvec(args, nullptr);
      for (size_t i = 0; i < out.size(); i++) {
        CAPTURE(i, out[i], expected[i]);
        CHECK(std::isnan(out[i]) == std::isnan(expected[i]));
        if (!std::isfinite(number) && i < kRows) CHECK(std::isnan(out[i]));
        if (std::isfinite(expected[i]))
          CHECK(std::abs(out[i] - expected[i]) <= 1e-5f * std::max({std::abs(expected[i]), weight * std::abs(number), weight}));
      }
    }
}
