// Preprocessing: the reference processor's pixels bit for bit, cases by hand, every table against plain().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/tables.h"
#include "tests/npy.h"

using namespace vtok;

namespace {

struct Picture {
  int width, height;
  std::vector<uint8_t> rgb;
};

Picture random_picture(int width, int height, uint32_t seed) {
  Picture p{width, height, std::vector<uint8_t>(size_t(width) * height * 3)};
  std::mt19937 random(seed);
  const int style = int(seed % 3);  // noise, black and white (sharpest edges), nearly flat
  for (uint8_t &b : p.rgb)
    b = uint8_t(style == 0 ? random() : style == 1 ? (random() & 1) * 255 : 100 + random() % 3);
  return p;
}

std::vector<float> preprocess(const Kernels &table, const Picture &p, const Filter &across,
                              const Filter &down) {
  std::vector<float> out(size_t(across.out) * down.out * 3, NAN);
  table.preprocess({.rgb = p.rgb.data(),
                    .stride = p.width * 3,
                    .across = across.view(),
                    .down = down.view(),
                    .mean = {127.5f, 100.f, 0.f},
                    .deviation = {127.5f, 60.f, 1.f},
                    .out = out.data()},
                   nullptr);
  return out;
}

}  // namespace

TEST_CASE("the reference processor's pixels") {
  for (const char *name : {"case-a", "case-b"}) {
    const std::string folder = std::string(VTOK_GOLDEN "/llava-onevision/") + name;
    const std::string frames = test::read_bytes(folder + "/frames.rgb");
    const test::Array expected = test::read_npy(folder + "/pixel_values.npy");
    const int width = name == std::string("case-a") ? 70 : 161, height = width == 70 ? 70 : 97;
    const Filter across = make_filter(width, 70, Interpolation::kBicubic);
    const Filter down = make_filter(height, 70, Interpolation::kBicubic);
    REQUIRE(frames.size() == expected.shape[0] * size_t(width) * height * 3);
    for (const Kernels *table : test::host_tables())
      for (size_t f = 0; f < expected.shape[0]; f++) {
        std::vector<float> out(3 * 70 * 70);
        table->preprocess(
            {.rgb = reinterpret_cast<const uint8_t *>(frames.data()) + f * size_t(width) * height * 3,
             .stride = width * 3,
             .across = across.view(),
             .down = down.view(),
             .mean = {127.5f, 127.5f, 127.5f},
             .deviation = {127.5f, 127.5f, 127.5f},
             .out = out.data()},
            nullptr);
        const float *want = expected.floats() + f * out.size();
        int wrong = 0;
        for (size_t i = 0; i < out.size(); i++) wrong += out[i] != want[i];
        INFO(name << ", frame " << f << ", " << table->name);
        CHECK(wrong == 0);
      }
  }
}

TEST_CASE("a pass that changes nothing is left out; means of two by hand") {
  CHECK(make_filter(8, 8, Interpolation::kLanczos).taps == 0);
  const Filter half =
      make_filter(4, 2, Interpolation::kBilinear);  // weights 3/8 3/8 1/8 by distance, cut at the edge
  CHECK(half.first == std::vector<int>{0, 1});
  CHECK(half.taps == 3);
  const Filter same = make_filter(1, 1, Interpolation::kBilinear);
  const Picture p{4, 1, {0, 0, 255, 10, 0, 255, 20, 0, 255, 30, 0, 255}};
  for (const Kernels *table : test::host_tables()) {
    const std::vector<float> out = preprocess(*table, p, half, same);
    CHECK(out[0] == (7.f - 127.5f) / 127.5f);   // (0*3 + 10*3 + 20*1) / 7 = 7.14
    CHECK(out[1] == (23.f - 127.5f) / 127.5f);  // (10*1 + 20*3 + 30*3) / 7 = 22.86
    CHECK(out[2] == -100.f / 60.f);
    CHECK(out[4] == 255.f);
  }
}

TEST_CASE("every table agrees with plain() on all sizes and filters") {
  const int sizes[][4] = {{1, 1, 1, 1},      {1, 1, 5, 3},        {7, 5, 1, 1},      {64, 48, 64, 48},
                          {161, 97, 70, 70}, {33, 200, 33, 11},   {200, 33, 19, 33}, {19, 19, 111, 99},
                          {500, 3, 111, 4},  {320, 180, 384, 384}};
  uint32_t seed = 0;
  for (const auto &s : sizes)
    for (Interpolation i : {Interpolation::kBilinear, Interpolation::kBicubic, Interpolation::kLanczos}) {
      const Picture p = random_picture(s[0], s[1], seed++);
      const Filter across = make_filter(s[0], s[2], i), down = make_filter(s[1], s[3], i);
      const std::vector<float> want = preprocess(plain(), p, across, down);
      for (const Kernels *table : test::host_tables()) {
        INFO(table->name << ": " << s[0] << "x" << s[1] << " to " << s[2] << "x" << s[3] << ", filter "
                         << int(i));
        CHECK(test::differing(preprocess(*table, p, across, down), want) == 0);
      }
    }
}

TEST_CASE("sizes below one pixel are refused") {
  CHECK_THROWS_AS(make_filter(0, 4, Interpolation::kBicubic), std::invalid_argument);
  CHECK_THROWS_AS(make_filter(4, 0, Interpolation::kBicubic), std::invalid_argument);
}
