// The kernels of Semantic Connected Components against the reference cases, whatever the table.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Integers equal, values within 1e-5.
#include <catch2/catch.hpp>

#include "tests/kernels/tables.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

struct Level {
  std::vector<int> labels;
  std::vector<float> means;  // [count, d]
  int count = 0;
};

Level level(const Kernels &table, const float *x, int n, int d, double tau) {
  std::vector<float> norms(static_cast<size_t>(n));
  Level l{std::vector<int>(size_t(n)), {}};
  std::vector<int> degrees(static_cast<size_t>(n)), hubs(static_cast<size_t>(n));
  table.norms({.x = x, .n = n, .d = d, .out = norms.data()}, nullptr);
  table.components({.x = x,
                    .norms = norms.data(),
                    .n = n,
                    .d = d,
                    .tau = tau,
                    .labels = l.labels.data(),
                    .degrees = degrees.data(),
                    .hubs = hubs.data(),
                    .count = &l.count},
                   nullptr);
  l.means.resize(size_t(l.count) * size_t(d));
  std::vector<uint64_t> counts(static_cast<size_t>(l.count));
  const Rows rows{x, n};
  table.means({.x = &rows,
               .blocks = 1,
               .d = d,
               .labels = l.labels.data(),
               .m = l.count,
               .out = l.means.data(),
               .counts = counts.data()},
              nullptr);
  return l;
}

std::vector<int> ints(const test::Array &a) { return {a.ints(), a.ints() + a.bytes.size() / 4}; }

}  // namespace

TEST_CASE("reference cases") {
  for (const test::SccCase &c : test::scc_cases()) {
    if (c.refused) continue;
    for (size_t t = 0; t < c.taus(); t++)
      for (const Kernels *table : test::host_tables()) {
        INFO(c.name << ", tau " << c.tau(t) << ", " << table->name);
        std::vector<int> labels, counts;
        std::vector<float> spatial;
        std::vector<Rows> frames;
        for (int f = 0; f < c.frames; f++) {
          const Level l = level(*table, c.frame(f), c.n, c.d, c.tau(t));
          labels.insert(labels.end(), l.labels.begin(), l.labels.end());
          counts.push_back(l.count);
          spatial.insert(spatial.end(), l.means.begin(), l.means.end());
          frames.push_back({c.frame(f), c.n});
        }
        REQUIRE(counts == ints(c.at("spatial_count", t)));
        REQUIRE(labels == ints(c.at("spatial_labels", t)));
        CHECK(test::furthest(spatial.data(), c.at("spatial", t).floats(), spatial.size()) < 1e-5);

        Level group = level(*table, spatial.data(), int(spatial.size()) / c.d, c.d, c.tau(t));
        REQUIRE(group.labels == ints(c.at("temporal_labels", t)));
        CHECK(test::furthest(group.means.data(), c.at("temporal", t).floats(), group.means.size()) < 1e-5);

        std::vector<float> norms(static_cast<size_t>(group.count));
        std::vector<int> assign(size_t(c.frames) * size_t(c.n));
        std::vector<uint64_t> weights(static_cast<size_t>(group.count));
        table->norms({.x = group.means.data(), .n = group.count, .d = c.d, .out = norms.data()}, nullptr);
        table->nearest({.x = frames.data(),
                        .blocks = c.frames,
                        .d = c.d,
                        .r = group.means.data(),
                        .r_norms = norms.data(),
                        .m = group.count,
                        .labels = assign.data()},
                       nullptr);
        REQUIRE(assign == ints(c.at("assign", t)));
        table->means({.x = frames.data(),
                      .blocks = c.frames,
                      .d = c.d,
                      .labels = assign.data(),
                      .start = group.means.data(),
                      .m = group.count,
                      .out = group.means.data(),
                      .counts = weights.data()},
                     nullptr);
        CHECK(std::vector<int>(weights.begin(), weights.end()) == ints(c.at("weight", t)));
        CHECK(test::furthest(group.means.data(), c.at("out", t).floats(), group.means.size()) < 1e-5);
      }
  }
}
