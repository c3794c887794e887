// The most similar representative: by hand, ties, and every table against plain().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "kernels/cosine.h"
#include "tests/kernels/rows.h"
#include "tests/kernels/tables.h"

using namespace vtok;

namespace {

std::vector<float> norms_of(const std::vector<float> &r, int m, int d) {
  std::vector<float> norms(size_t(m) + 1);
  plain().norms({.x = r.data(), .n = m, .d = d, .out = norms.data()}, nullptr);
  return norms;
}

std::vector<int> nearest(const Kernels &table, const std::vector<Rows> &x, int d, const std::vector<float> &r,
                         int m) {
  size_t n = 0;
  for (const Rows &rows : x) n += size_t(rows.n);
  std::vector<int> labels(n, -1);
  const std::vector<float> norms = norms_of(r, m, d);
  table.nearest({.x = x.data(),
                 .blocks = int(x.size()),
                 .d = d,
                 .r = r.data(),
                 .r_norms = norms.data(),
                 .m = m,
                 .labels = labels.data()},
                nullptr);
  return labels;
}

}  // namespace

TEST_CASE("by hand, over blocks; ties and zeros go to the lowest") {
  const float first[] = {0, 5, 1, 1}, second[] = {0, 0, -1, -2, 9, 8};
  const std::vector<float> r{0, 1, 2, 0, 0, 4, -3, -3};
  for (const Kernels *table : test::host_tables())
    CHECK(nearest(*table, {{first, 2}, {second, 0}, {second, 3}}, 2, r, 4) ==
          std::vector<int>{0, 0, 0, 3, 1});
}

TEST_CASE("copies of a representative, wherever they stand, lose to the first") {
  for (int m : {2, 15, 16, 17, 33, 196, 511, 512, 513, 1100}) {
    const std::vector<float> x = test::make_rows(0, 40, 64, 5);
    std::vector<float> r = test::make_rows(0, m, 64, 6);
    for (int copy : {m / 3, m / 2, m - 2, m - 1})
      if (copy > 0) std::copy_n(r.begin(), 64, r.begin() + copy * 64);
    for (const Kernels *table : test::host_tables())
      for (int label : nearest(*table, {{x.data(), 40}}, 64, r, m)) {
        INFO(table->name << ", " << m << " representatives");
        CHECK((label == 0 || !std::equal(r.begin(), r.begin() + 64, r.begin() + label * 64)));
      }
  }
}

TEST_CASE("every table agrees with plain(), but for ties of float32") {
  for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
    for (int n : {1, 19, 196, 500})
      for (int m : {1, 3, 64, 111, 600}) {
        const int d = kind % 2 ? 64 : 99;
        const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(n)),
                                 r = test::make_rows(kind, m, d, uint32_t(m));
        const std::vector<float> r_norms = norms_of(r, m, d), x_norms = norms_of(x, n, d);
        const std::vector<int> want = nearest(plain(), {{x.data(), n}}, d, r, m);
        for (const Kernels *table : test::host_tables()) {
          const int half = n / 2;
          const auto got =
              nearest(*table, {{x.data(), half}, {x.data() + size_t(half) * d, n - half}}, d, r, m);
          int wrong = 0;
          for (size_t i = 0; i < got.size(); i++) {
            const auto score = [&](int j) {
              return cosine(&x[i * size_t(d)], &r[size_t(j) * d], d, x_norms[i], r_norms[size_t(j)]);
            };
            wrong += got[i] < 0 || got[i] >= m ||
                     (got[i] != want[i] && std::abs(score(got[i]) - score(want[i])) > 1e-6);
          }
          INFO(table->name << ": " << test::kKinds[kind] << " [" << n << ", " << d << "] to " << m);
          CHECK(wrong == 0);
        }
      }
}
