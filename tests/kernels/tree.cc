// Maximum spanning tree: cut at any tau it leaves the components at that tau.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "kernels/forest.h"
#include "tests/kernels/rows.h"
#include "tests/kernels/tables.h"

using namespace vtok;

namespace {

struct Edges {
  std::vector<int> from, to;
  std::vector<float> cosines, norms;
};

Edges tree(const Kernels &table, const std::vector<float> &x, int n, int d) {
  const size_t edges = size_t(std::max(0, n - 1));
  Edges e{std::vector<int>(edges), std::vector<int>(edges), std::vector<float>(edges),
          std::vector<float>(size_t(n) + 1)};
  table.norms({.x = x.data(), .n = n, .d = d, .out = e.norms.data()}, nullptr);
  table.tree({.x = x.data(),
              .norms = e.norms.data(),
              .n = n,
              .d = d,
              .from = e.from.data(),
              .to = e.to.data(),
              .cosines = e.cosines.data()},
             nullptr);
  return e;
}

}  // namespace

TEST_CASE("by hand: four directions") {
  std::vector<float> x;
  for (double angle : {0., 90., 50., 20.})
    x.push_back(float(std::cos(angle * M_PI / 180))), x.push_back(float(std::sin(angle * M_PI / 180)));
  for (const Kernels *table : test::host_tables()) {
    const Edges e = tree(*table, x, 4, 2);
    CHECK(e.from == std::vector<int>{0, 2, 1});  // 20, 30 and 40 degrees apart
    CHECK(e.to == std::vector<int>{3, 3, 2});
    CHECK(e.cosines[2] == Approx(std::cos(40 * M_PI / 180)));
  }
}

TEST_CASE("the tree spans, its edges fall, and cuts of it are the components") {
  for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
    for (int n : test::kCounts)
      for (int d : {4, 99}) {
        const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(n + d));
        const Edges want = tree(plain(), x, n, d);
        for (const Kernels *table : test::host_tables()) {
          INFO(table->name << ": " << test::kKinds[kind] << " [" << n << ", " << d << "]");
          const Edges e = tree(*table, x, n, d);
          CHECK(std::is_sorted(e.cosines.rbegin(), e.cosines.rend()));
          Forest forest(n);
          int joined = 0;
          double off = 0;
          for (size_t i = 0; i < e.from.size(); i++) {
            joined += e.from[i] < e.to[i] && forest.unite(e.from[i], e.to[i]);
            off = std::max(off, double(std::abs(e.cosines[i] -
                                                want.cosines[i])));  // the weights of all such trees agree
          }
          CHECK(joined == std::max(0, n - 1));
          CHECK(off < 1e-6);
          for (size_t cut : {e.cosines.size() / 10, e.cosines.size() / 2, e.cosines.size() * 9 / 10}) {
            if (cut + 1 >= e.cosines.size() || e.cosines[cut] - e.cosines[cut + 1] < 4e-6f) continue;
            std::vector<int> labels(e.norms.size()), degrees(labels), hubs(labels);
            int count = 0;
            table->components({.x = x.data(),
                               .norms = e.norms.data(),
                               .n = n,
                               .d = d,
                               .tau = (double(e.cosines[cut]) + e.cosines[cut + 1]) / 2,
                               .labels = labels.data(),
                               .degrees = degrees.data(),
                               .hubs = hubs.data(),
                               .count = &count},
                              nullptr);
            Forest kept(n);
            for (size_t i = 0; i <= cut; i++) kept.unite(e.from[i], e.to[i]);
            CHECK(count == n - int(cut) - 1);
            bool same = true;
            for (int i = 0; i < n; i++) same &= labels[size_t(i)] == labels[size_t(kept.find(i))];
            CHECK(same);
          }
        }
      }
}

TEST_CASE("a matrix too great to keep is made again in each round") {
  constexpr int n = 8300, d = 3, keep = 300;
  const std::vector<float> x = test::make_rows(0, n, d, 4);
  const Edges e = tree(cpu(), x, n, d);
  Forest forest(n);
  int joined = 0;
  for (size_t i = 0; i < e.from.size(); i++) joined += forest.unite(e.from[i], e.to[i]);
  CHECK(joined == n - 1);
  std::vector<int> labels(n), degrees(n), hubs(n);
  int count = 0;
  cpu().components({.x = x.data(),
                    .norms = e.norms.data(),
                    .n = n,
                    .d = d,
                    .tau = e.cosines[n - keep],
                    .labels = labels.data(),
                    .degrees = degrees.data(),
                    .hubs = hubs.data(),
                    .count = &count},
                   nullptr);
  CHECK(std::abs(count - keep) <= 2);  // cosines so near to 1 tie
}
