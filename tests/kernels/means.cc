// Means of labelled rows: by hand, and every table against plain().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "tests/kernels/rows.h"
#include "tests/kernels/tables.h"

using namespace vtok;

TEST_CASE("by hand: plain means, weights, a start, labels nobody has") {
  const float a[] = {1, 2, 3, 4}, b[] = {5, 6};
  const Rows x[] = {{a, 2}, {b, 1}};
  const int labels[] = {2, 0, 2};
  const uint32_t weights[] = {1, 7, 3};
  const float start[] = {0, 0, 8, 9, 4, 4};
  for (const Kernels *table : test::host_tables()) {
    std::vector<float> out(6);
    uint64_t counts[3];
    Means args{.x = x, .blocks = 2, .d = 2, .labels = labels, .m = 3, .out = out.data(), .counts = counts};
    table->means(args, nullptr);
    CHECK(out == std::vector<float>{3, 4, 0, 0, 3, 4});
    args.weights = weights;
    table->means(args, nullptr);
    CHECK(out == std::vector<float>{3, 4, 0, 0, 4, 5});
    CHECK(std::vector<uint64_t>(counts, counts + 3) == std::vector<uint64_t>{7, 0, 4});
    args.start = start;
    table->means(args, nullptr);
    CHECK(out == std::vector<float>{21.f / 8, 28.f / 8, 8, 9, 4, 24.f / 5});
    std::copy_n(start, 6, out.begin());
    args.start = out.data();  // in place
    table->means(args, nullptr);
    CHECK(out == std::vector<float>{21.f / 8, 28.f / 8, 8, 9, 4, 24.f / 5});
  }
}

TEST_CASE("every table agrees with plain()") {
  for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
    for (int n : {0, 1, 64, 65, 500, 3000})
      for (int d : {1, 19, 896})
        for (int m : {1, 7, 200}) {
          if (kind > 1 && n > 500) continue;
          const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(d)),
                                   start = test::make_rows(0, m, d, 2);
          std::mt19937 random(static_cast<uint32_t>(m));
          std::vector<int> labels(size_t(n) + 1);
          std::vector<uint32_t> weights(size_t(n) + 1);
          for (int &l : labels) l = int(random() % uint32_t(m) * (random() % 2));
          for (uint32_t &w : weights) w = random() % 1000;
          const Rows rows[] = {{x.data(), n / 3}, {x.data() + size_t(n / 3) * d, n - n / 3}};
          const auto run = [&](const Kernels &table, bool weighted, bool started) {
            std::vector<float> out(size_t(m) * d);
            std::vector<uint64_t> counts(static_cast<size_t>(m));
            table.means({.x = rows,
                         .blocks = 2,
                         .d = d,
                         .labels = labels.data(),
                         .weights = weighted ? weights.data() : nullptr,
                         .start = started ? start.data() : nullptr,
                         .m = m,
                         .out = out.data(),
                         .counts = counts.data()},
                        nullptr);
            return std::pair(out, counts);
          };
          for (const Kernels *table : test::host_tables())
            for (int options = 0; options < 4; options++) {
              const auto want = run(plain(), options & 1, options & 2),
                         got = run(*table, options & 1, options & 2);
              float worst = 0, top = 0;
              for (float v : x) top = std::max(top, std::abs(v));
              for (size_t i = 0; i < got.first.size(); i++)
                if (const float off = std::abs(got.first[i] - want.first[i]); !(off <= worst)) worst = off;
              INFO(table->name << ": " << test::kKinds[kind] << " [" << n << ", " << d << "], " << m << ", "
                               << options);
              CHECK(got.second == want.second);
              CHECK(worst <= 1e-6f * std::max(top, 1.f));
            }
        }
}
