// Spatial methods: what any row must keep to, and SCC against reference cases, brute force and by hand.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/spatial.h"

#include <catch2/catch.hpp>
#include <set>

#include "kernels/cosine.h"
#include "kernels/kernels.h"
#include "models/error.h"
#include "models/scc.h"
#include "tests/kernels/rows.h"
#include "tests/models/frames.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

std::unique_ptr<Spatial> make_scc(CompressorSettings settings = {}) {
  return test::method(spatial_methods(), "scc").make(settings);
}

std::vector<float> norms_of(const std::vector<float> &x, int n, int d) {
  std::vector<float> norms(size_t(n) + 1);
  plain().norms({.x = x.data(), .n = n, .d = d, .out = norms.data()}, nullptr);
  return norms;
}

}  // namespace

TEST_CASE("every method: no more tokens, in order, finite, all weight kept, identity when all is kept") {
  for (const SpatialMethod &method : spatial_methods())
    for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
      for (int n : {0, 1, 2, 19, 196})
        for (double retention : {0., 0.1, 0.5, 1.})
          for (Type type : {Type::kFloat32, Type::kBfloat16, Type::kInt8}) {
            if (type != Type::kFloat32 && kind != 2) continue;
            INFO(method.name << ", " << test::kKinds[kind] << ", " << n << " tokens, retention "
                             << retention);
            const Tokens in = from_float32(test::frame(test::make_rows(kind, n, 32, 3), 32), type);
            const Tokens out = method.make({.budget = {.retention = retention}})->compress(in, n);
            CHECK(out.n <= n);
            CHECK((out.n > 0) == (n > 0));
            CHECK(out.dim == 32);
            CHECK(out.type == type);
            CHECK(out.records.size() == size_t(out.n));
            CHECK(test::weight(out) == n);
            CHECK(test::in_order(out));
            CHECK(test::finite(out));
            if (retention == 1) CHECK(test::values(out) == test::values(in));
          }
}

TEST_CASE("tokens that are not finite are refused by every method") {
  for (const SpatialMethod &method : spatial_methods())
    for (float bad : {NAN, INFINITY, -INFINITY})
      for (Type type : {Type::kFloat32, Type::kFloat16, Type::kBfloat16}) {
        std::vector<float> x = test::make_rows(0, 9, 8, 1);
        x[50] = bad;
        CHECK_THROWS_WITH(method.make({})->compress(from_float32(test::frame(x, 8), type), 9),
                          "token 6 of 9 holds NaN or infinity, expected finite numbers");
      }
  void *unused;
  CHECK_THROWS_WITH(make_scc()->compress(allocate_tokens(Type::kFloat32, 3, 0, unused), 3),
                    "tokens are 0 numbers wide, expected at least 1");
}

TEST_CASE("scc: reference cases") {
  for (const test::SccCase &c : test::scc_cases()) {
    INFO(c.name);
    if (c.refused) {
      CHECK_THROWS_AS(
          [&] {
            for (int f = 0; f < c.frames; f++) make_scc()->compress(test::frame(c.frame(f), c.n, c.d), c.n);
          }(),
          BadTokens);
      continue;
    }
    for (size_t t = 0; t < c.taus(); t++)
      for (double epsilon : {0., 1e-3}) {  // ceil(ln n / 1e-6) > n: all are sampled
        const float *want = c.at("spatial", t).floats();
        for (int f = 0; f < c.frames; f++) {
          const Tokens out = make_scc({.tau = c.tau(t), .epsilon = epsilon})
                                 ->compress(test::frame(c.frame(f), c.n, c.d), c.n);
          REQUIRE(out.n == c.at("spatial_count", t).ints()[f]);
          CHECK(test::furthest(test::values(out).data(), want, size_t(out.n) * size_t(c.d)) < 1e-5);
          want += size_t(out.n) * size_t(c.d);
        }
      }
  }
}

TEST_CASE("scc by hand: means, hubs' places, weights") {
  Tokens in = test::frame({2, 0, 0, 4, 4, 0, 0, 2, 0, 3, -1, -1}, 2);  // x, y, x, y, y, alone
  in.records[3].weight = 5;
  in.records[4].flags = 9;
  const Tokens out = make_scc()->compress(in, 6);
  CHECK(test::values(out) == std::vector<float>{3, 0, 0, 3, -1, -1});
  CHECK(out.records ==
        std::vector<Record>{{.column = 0, .weight = 2}, {.column = 1, .weight = 7}, {.column = 5}});
  in.records.clear();
  CHECK(make_scc()->compress(in, 6).records[1] == Record{.weight = 3});
}

TEST_CASE("scc: a budget is met exactly, with the components that some tau has") {
  const auto stream = host_device().make_stream();
  for (size_t kind : {0, 2})
    for (int n : {2, 19, 64, 196}) {
      const std::vector<float> x = test::make_rows(kind, n, 24, uint32_t(n));
      const std::vector<float> norms = norms_of(x, n, 24);
      std::vector<double> cosines;
      for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
          cosines.push_back(
              cosine(&x[size_t(i) * 24], &x[size_t(j) * 24], 24, norms[size_t(i)], norms[size_t(j)]));
      std::sort(cosines.begin(), cosines.end());
      for (int keep = 1; keep <= n; keep += 1 + n / 12) {
        INFO(test::kKinds[kind] << ", " << keep << " of " << n);
        const Partition p =
            scc(x.data(), norms.data(), n, 24, {.budget = {.retention = double(keep) / n}}, n, *stream);
        CHECK(p.count() == keep);
        CHECK(make_scc({.budget = {.retention = double(keep) / n}})->compress(test::frame(x, 24), n).n ==
              keep);
        // Brute force: the tau that leaves as many components, by bisection over all cosines.
        size_t low = 0, high = cosines.size() - 1;
        const auto at = [&](size_t i) {
          return scc(x.data(), norms.data(), n, 24, {.tau = cosines[i] - 2e-7}, n, *stream);
        };
        while (low < high) {
          const size_t middle = (low + high) / 2;
          if (at(middle).count() < keep)
            low = middle + 1;
          else
            high = middle;
        }
        if (const Partition brute = at(low); brute.count() == keep)
          CHECK(brute.labels == p.labels);
        else
          CHECK((keep == 1 || keep == n));
      }
    }
}

TEST_CASE("budgets: the smaller holds, a bound that is not reached changes nothing, ties do not matter") {
  CHECK(Budget{.retention = 0.1}.keep(196, 5) == 20);
  CHECK(Budget{.retention = 0.1, .max_tokens = 7}.keep(196, 5) == 7);
  CHECK(Budget{.max_tokens = 7}.keep(196, 5) == 5);
  CHECK(Budget{.max_tokens = 7}.keep(196, 50) == 7);
  CHECK(Budget{.retention = 1e-9}.keep(196, 50) == 1);
  CHECK(Budget{}.keep(196, 50) == 50);
  const Tokens noise = test::frame(test::make_rows(0, 50, 16, 1), 16),
               same = test::frame(test::make_rows(4, 50, 16, 1), 16);
  CHECK(make_scc({.budget = {.max_tokens = 8}})->compress(noise, 50).n == 8);
  CHECK(make_scc({.budget = {.max_tokens = 8}})->compress(same, 50).n == 1);
  CHECK(make_scc({.budget = {.retention = 0.2}})->compress(same, 50).n == 10);
  CHECK(make_scc({.budget = {.retention = 0.2, .max_tokens = 3}})->compress(same, 50).n == 3);
  CHECK(make_scc({.budget = {.retention = 0.5}})->compress(same, 1000).n ==
        50);  // fewer came than may be kept
  const Tokens squashed =
      make_scc({.budget = {.retention = 0.2}})->compress(test::frame(test::make_rows(5, 50, 16, 1), 16), 50);
  CHECK(squashed.n == 10);
  CHECK(test::weight(squashed) == 50);
}

TEST_CASE("scc: sampling is drawn by the seed and leaves what is not touched alone") {
  const auto stream = host_device().make_stream();
  const std::vector<float> x = test::make_rows(0, 400, 24, 11);
  const std::vector<float> norms = norms_of(x, 400, 24);
  const auto run = [&](double epsilon, uint64_t seed) {
    return scc(x.data(), norms.data(), 400, 24, {.tau = 0.5, .epsilon = epsilon, .seed = seed}, 400, *stream);
  };
  const int exact = run(0, 0).count();
  std::set<std::vector<int>> draws;
  for (uint64_t seed = 0; seed < 5; seed++) {
    const Partition p = run(0.6, seed);  // ceil(ln 400 / 0.36) = 17 of 400
    CHECK(p.labels == run(0.6, seed).labels);
    CHECK(p.count() > exact);
    CHECK(p.count() < 400);
    draws.insert(p.labels);
  }
  CHECK(draws.size() == 5);
  CHECK(run(0.05, 0).count() == exact);
  CHECK(run(100, 0).count() > 380);  // one is sampled
}

TEST_CASE("scc: number types give their own kind back") {
  const Tokens in = test::frame(test::make_rows(2, 196, 64, 4), 64);
  const int count = make_scc({.tau = 0.7})->compress(in, 196).n;
  CHECK(count < 196);
  for (Type type : {Type::kFloat16, Type::kBfloat16, Type::kFloat8, Type::kInt8}) {
    const Tokens packed = from_float32(in, type);
    const Tokens out = make_scc({.tau = 0.7})->compress(packed, 196);
    const Tokens wide = make_scc({.tau = 0.7})->compress(to_float32(packed), 196);
    INFO(type_name(type));
    CHECK(out.type == type);
    REQUIRE(out.n == wide.n);
    CHECK(test::furthest(test::values(out).data(), test::values(wide).data(), size_t(out.n) * 64) < 0.2);
  }
}

TEST_CASE("scc: 65535 tokens, wide tokens") {
  constexpr int n = 65535;
  const Tokens same = test::frame(std::vector<float>(size_t(n) * 2, 0.5f), 2);
  const Tokens one = make_scc()->compress(same, n);
  CHECK(one.n == 1);
  CHECK(test::weight(one) == n);
  CHECK(test::values(one) == std::vector<float>{0.5f, 0.5f});
  const Tokens noise = test::frame(test::make_rows(0, n, 16, 9), 16);
  const Tokens some = make_scc({.tau = 0.95})->compress(noise, n);
  CHECK(some.n > 1000);
  CHECK(some.n <= n);
  CHECK(test::weight(some) == n);
  CHECK(test::in_order(some));
  const Tokens wide = make_scc()->compress(test::frame(test::make_rows(2, 8, 50000, 1), 50000), 8);
  CHECK(test::weight(wide) == 8);
}

TEST_CASE("uniform: the middles of equal stretches; a kept token stands for the dropped ones after it") {
  std::vector<float> x(12);
  for (size_t i = 0; i < x.size(); i++) x[i] = float(i);
  const auto uniform = test::method(spatial_methods(), "uniform").make({.budget = {.max_tokens = 3}});
  const Tokens out = uniform->compress(test::frame(x, 1), 12);
  CHECK(test::values(out) == std::vector<float>{2, 6, 10});
  CHECK(out.records[0].weight == 6);
  CHECK(out.records[1].weight == 4);
  CHECK(out.records[2].weight == 2);
}

TEST_CASE("random: the seed decides, every token has its turn") {
  std::vector<float> x(10);
  for (size_t i = 0; i < x.size(); i++) x[i] = float(i);
  const SpatialMethod &row = test::method(spatial_methods(), "random");
  const auto one = row.make({.seed = 3, .budget = {.max_tokens = 2}});
  const auto same = row.make({.seed = 3, .budget = {.max_tokens = 2}});
  const auto other = row.make({.seed = 4, .budget = {.max_tokens = 2}});
  std::vector<int> seen(10);
  bool differs = false;
  for (int i = 0; i < 500; i++) {
    const std::vector<float> got = test::values(one->compress(test::frame(x, 1), 10));
    CHECK(got == test::values(same->compress(test::frame(x, 1), 10)));
    differs |= got != test::values(other->compress(test::frame(x, 1), 10));
    REQUIRE(got.size() == 2);
    for (const float v : got) seen[size_t(v)]++;
  }
  CHECK(differs);
  for (const int n : seen) CHECK(std::abs(n - 100) < 50);  // 5 standard deviations
}
