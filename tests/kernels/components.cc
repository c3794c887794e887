// Connected components: by hand, complete over any number of links, and every table equal to plain().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "kernels/cosine.h"
#include "tests/kernels/rows.h"
#include "tests/kernels/tables.h"

using namespace vtok;

namespace {

struct Result {
  std::vector<int> labels, degrees, hubs;
  bool operator==(const Result &) const = default;
};

Result components(const Kernels &table, const std::vector<float> &x, int n, int d, double tau,
                  const uint8_t *sampled = nullptr) {
  std::vector<float> norms(size_t(n) + 1);
  Result r{std::vector<int>(size_t(n) + 1), std::vector<int>(size_t(n) + 1), std::vector<int>(size_t(n) + 1)};
  int count = -1;
  table.norms({.x = x.data(), .n = n, .d = d, .out = norms.data()}, nullptr);
  table.components({.x = x.data(),
                    .norms = norms.data(),
                    .n = n,
                    .d = d,
                    .tau = tau,
                    .sampled = sampled,
                    .labels = r.labels.data(),
                    .degrees = r.degrees.data(),
                    .hubs = r.hubs.data(),
                    .count = &count},
                   nullptr);
  r.labels.resize(size_t(n)), r.degrees.resize(size_t(n)), r.hubs.resize(size_t(count));
  return r;
}

// tau, moved up until no cosine is so near that float32 may decide the other way.
double clear(const std::vector<float> &x, int n, int d, double tau) {
  std::vector<float> norms(size_t(n) + 1);
  plain().norms({.x = x.data(), .n = n, .d = d, .out = norms.data()}, nullptr);
  std::vector<double> cosines;
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++)
      cosines.push_back(cosine(&x[size_t(i) * d], &x[size_t(j) * d], d, norms[size_t(i)], norms[size_t(j)]));
  for (std::sort(cosines.begin(), cosines.end());; tau += 2e-6) {
    const auto next = std::lower_bound(cosines.begin(), cosines.end(), tau - 1e-6);
    if (next == cosines.end() || *next > tau + 1e-6) return tau;
  }
}

}  // namespace

TEST_CASE("by hand: a chain, a pair and one alone") {
  // Angles of 0, 20, 40, 60, 80 degrees link at cos 20 = 0.94 only; their ends are nothing alike. 180 and 185
  // are a pair.
  std::vector<float> x;
  for (double angle : {270., 40., 0., 80., 180., 20., 60., 185.}) {
    x.push_back(float(std::cos(angle * M_PI / 180)) * float(angle + 1));
    x.push_back(float(std::sin(angle * M_PI / 180)) * float(angle + 1));
  }
  for (const Kernels *table : test::host_tables()) {
    const Result r = components(*table, x, 8, 2, 0.9);
    CHECK(r.labels == std::vector<int>{0, 1, 1, 1, 2, 1, 1, 2});
    CHECK(r.degrees == std::vector<int>{1, 3, 2, 2, 2, 3, 3, 2});
    CHECK(r.hubs == std::vector<int>{0, 1, 4});
    const uint8_t none[8] = {}, middle[8] = {0, 1};
    CHECK(components(*table, x, 8, 2, 0.9, none).hubs.size() == 8);
    CHECK(components(*table, x, 8, 2, 0.9, middle).labels == std::vector<int>{0, 1, 2, 3, 4, 1, 1, 5});
  }
}

TEST_CASE("tau is strict, and nothing is above 1") {
  const std::vector<float> x{1, 0, 3, 0, 0, 2};
  for (const Kernels *table : test::host_tables()) {
    CHECK(components(*table, x, 3, 2, 1).hubs.size() == 3);
    CHECK(components(*table, x, 3, 2, 0).labels == std::vector<int>{0, 0, 1});
    CHECK(components(*table, x, 3, 2, -0.001).hubs.size() == 1);
  }
}

TEST_CASE("a shuffled chain is one component however deep the trees grow") {
  constexpr int n = 700;
  std::vector<int> order(n);
  for (int i = 0; i < n; i++) order[size_t(i)] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  std::vector<float> x;
  for (int i : order) x.push_back(float(std::cos(i * 0.004))), x.push_back(float(std::sin(i * 0.004)));
  for (const Kernels *table : test::host_tables())
    CHECK(components(*table, x, n, 2, std::cos(0.005)).hubs.size() == 1);
}

TEST_CASE("every table gives the labels, degrees and hubs of plain()") {
  for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
    for (int n : test::kCounts)
      for (int d : test::kWidths) {
        const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(n * 131 + d));
        std::vector<uint8_t> sampled(size_t(n) + 1);
        for (size_t i = 0; i < sampled.size(); i++) sampled[i] = i % 5 == 2;
        for (double wanted : {0.3, 0.9}) {
          if (d == 1) wanted -= 0.2;
          const double tau = clear(x, n, d, wanted);
          const Result want = components(plain(), x, n, d, tau),
                       part = components(plain(), x, n, d, tau, sampled.data());
          for (const Kernels *table : test::host_tables()) {
            INFO(table->name << ": " << test::kKinds[kind] << " [" << n << ", " << d << "], tau " << tau);
            CHECK(components(*table, x, n, d, tau) == want);
            CHECK(components(*table, x, n, d, tau, sampled.data()) == part);
          }
        }
      }
}
