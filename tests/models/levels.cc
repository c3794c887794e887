// Tokens of several levels: compared by the first, all levels merged with the same weights.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/device_tokens.h"
#include "models/error.h"
#include "models/spatial.h"
#include "models/temporal.h"
#include "tests/models/frames.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

// Three levels: the case's own row, then two that would link otherwise: rows of other tokens, turned and
// stretched.
constexpr int kLevels = 3;

std::vector<double> levels_of(const test::SccCase &c, int frame, int token) {
  std::vector<double> all;
  const auto row = [&](int i) { return c.frame(frame) + size_t(i % c.n) * size_t(c.d); };
  for (int k = 0; k < c.d; k++) all.push_back(row(token)[k]);
  for (int k = 0; k < c.d; k++) all.push_back(-3 * row(token * 7 + 5)[k]);
  for (int k = 0; k < c.d; k++) all.push_back(row(token * 11 + 2)[c.d - 1 - k] + token % 3);
  return all;
}

Tokens frame_of(const test::SccCase &c, int frame) {
  std::vector<float> x;
  for (int i = 0; i < c.n; i++) {
    const auto all = levels_of(c, frame, i);
    x.insert(x.end(), all.begin(), all.end());
  }
  Tokens t = test::frame(x, c.d * kLevels, frame);
  t.levels = kLevels;
  return t;
}

// Rows of doubles that members are summed into.
struct Sums {
  size_t width;
  std::vector<double> rows;
  std::vector<int> counts;
  Sums(size_t n, size_t w) : width(w), rows(n * w), counts(n) {}
  void add(size_t j, const double *x) {
    for (size_t k = 0; k < width; k++) rows[j * width + k] += x[k];
    counts[j]++;
  }
  double mean(size_t j, size_t k) const { return rows[j * width + k] / counts[j]; }
};

// What the case's labels make of all levels, in double.
std::vector<float> expected(const test::SccCase &c, size_t t) {
  const size_t width = size_t(c.d) * kLevels, spatial = c.at("temporal_labels", t).shape[0],
               out = c.at("out", t).shape[0];
  Sums frames(spatial, width), group(out, width), merged(out, width);
  for (int f = 0, first = 0; f < c.frames; first += c.at("spatial_count", t).ints()[f++])
    for (int i = 0; i < c.n; i++)
      frames.add(size_t(first + c.at("spatial_labels", t).ints()[f * c.n + i]), levels_of(c, f, i).data());
  std::vector<double> row(width);
  for (size_t r = 0; r < spatial; r++) {
    for (size_t k = 0; k < width; k++) row[k] = frames.mean(r, k);
    group.add(size_t(c.at("temporal_labels", t).ints()[r]), row.data());
  }
  for (size_t j = 0; j < out; j++) {
    for (size_t k = 0; k < width; k++) row[k] = group.mean(j, k);
    merged.add(j, row.data());
  }
  for (int f = 0; f < c.frames; f++)
    for (int i = 0; i < c.n; i++)
      merged.add(size_t(c.at("assign", t).ints()[f * c.n + i]), levels_of(c, f, i).data());
  std::vector<float> all;
  for (size_t j = 0; j < out; j++)
    for (size_t k = 0; k < width; k++) all.push_back(float(merged.mean(j, k)));
  return all;
}

}  // namespace

TEST_CASE("the reference cases with three levels: the first one's labels, every level's means") {
  for (const test::SccCase &c : test::scc_cases()) {
    if (c.refused || size_t(c.frames) * size_t(c.n) * size_t(c.d) > 60'000) continue;
    for (size_t t = 0; t < c.taus(); t++) {
      INFO(c.name << ", tau " << c.tau(t));
      const auto spatial = test::method(spatial_methods(), "scc").make({.tau = c.tau(t)});
      const auto temporal = test::method(temporal_methods(), "scc").make({.tau = c.tau(t)});
      for (int f = 0; f < c.frames; f++) {
        const Tokens frame = frame_of(c, f), fewer = spatial->compress(frame, c.n);
        CHECK(fewer.levels == kLevels);
        CHECK(fewer.n == c.at("spatial_count", t).ints()[f]);
        temporal->add({.tokens = fewer, .sources = frame, .source = c.n});
      }
      const Tokens out = temporal->close();
      CHECK(out.levels == kLevels);
      CHECK(out.dim == c.d * kLevels);
      const std::vector<float> want = expected(c, t);
      REQUIRE(size_t(out.n) * size_t(out.dim) == want.size());
      // Level 1 is three times as great as the values for which the cases promise 1e-5.
      CHECK(test::furthest(test::values(out).data(), want.data(), want.size()) < 5e-5);
      for (int i = 0; i < out.n; i++)
        CHECK(out.records[size_t(i)].weight == uint32_t(c.at("weight", t).ints()[i]));
    }
  }
}

TEST_CASE("every method keeps levels together, in every number type and mode, under a budget too") {
  // Two levels of two numbers: three tokens alike in the first level, one not.
  Tokens in = test::frame({1, 0, 0, 1, 2, 0, 5, 5, 3, 0, -2, 3, 0, 1, 7, 7}, 4);
  in.levels = 2;
  for (const Type type : {Type::kFloat32, Type::kBfloat16, Type::kInt8})
    for (const double retention : {0., .5}) {
      const Tokens typed = from_float32(in, type);
      CHECK(typed.levels == 2);
      const CompressorSettings settings{.budget = {.retention = retention}};
      for (const SpatialMethod &method : spatial_methods()) {
        INFO(method.name << " " << type_name(type));
        const Tokens out = method.make(settings)->compress(typed, 4);
        CHECK(out.levels == 2);
        CHECK(out.dim == 4);
        if (std::string(method.name) == "scc") {
          const std::vector<float> want = {2, 0, 1, 3, 0, 1, 7, 7};
          REQUIRE(out.n == 2);
          CHECK(test::furthest(test::values(out).data(), want.data(), 8) < .05);
        }
      }
      for (const TemporalMethod &method : temporal_methods())
        for (const bool incremental : {false, true}) {
          INFO(method.name << " " << type_name(type));
          CompressorSettings each = settings;
          each.incremental = incremental;
          const auto made = method.make(each);
          const Tokens news = made->add({.tokens = typed, .source = 4});
          if (incremental && !retention && std::string(method.name) == "scc") {
            const std::vector<float> want = {2, 0, 1, 3, 0, 1, 7, 7};
            REQUIRE(news.n == 2);
            CHECK(news.levels == 2);
            CHECK(test::furthest(test::values(news).data(), want.data(), 8) < .05);
          }
          Tokens other = typed;
          other.levels = 1;
          CHECK_THROWS_AS(made->add({.tokens = other, .source = 4}), BadTokens);
          CHECK(made->close().levels == 2);
        }
    }
}

TEST_CASE("NaN in any level is refused, and widths that levels do not divide") {
  Tokens in = test::frame({1, 0, 0, NAN, 2, 0, 5, 5}, 4);
  in.levels = 2;
  for (const SpatialMethod &method : spatial_methods())
    CHECK_THROWS_WITH(method.make({})->compress(in, 2),
                      "token 0 of 2 holds NaN or infinity, expected finite numbers");
  for (const TemporalMethod &method : temporal_methods())
    CHECK_THROWS_AS(method.make({})->add({.tokens = in, .source = 2}), BadTokens);
  in = test::frame({1, 2, 3, 4}, 4);
  in.levels = 3;
  CHECK_THROWS_WITH(first_level(in, host_device().make_stream()), "tokens of 4 numbers cannot have 3 levels");
  CHECK(first_level(test::frame({1, 2, 3, 4}, 4), host_device().make_stream()).dim == 4);
}
