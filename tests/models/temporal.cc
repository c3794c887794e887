// Temporal methods: what any row must keep to, and SCC against reference cases and by hand.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/temporal.h"

#include <catch2/catch.hpp>

#include "models/drift.h"
#include "models/error.h"
#include "tests/kernels/rows.h"
#include "tests/models/frames.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

std::unique_ptr<Temporal> make_scc(CompressorSettings settings = {}) {
  return test::method(temporal_methods(), "scc").make(settings);
}

Tokens bare(int n, int d) { return test::frame(std::vector<float>(size_t(n) * size_t(d)), d); }

// A group of `count` frames of that kind.
std::vector<TemporalInput> group(size_t kind, int count, int n, int d, Type type = Type::kFloat32) {
  std::vector<TemporalInput> frames;
  for (int f = 0; f < count; f++) {
    const Tokens t = test::frame(test::make_rows(kind, n, d, kind == 2 ? 5 : uint32_t(f)), d, f * 1000);
    frames.push_back({.tokens = from_float32(t, type), .source = n});
  }
  return frames;
}

}  // namespace

TEST_CASE(
    "every method: no more tokens, in order, finite, all weight kept; incremental closes with the same") {
  for (const TemporalMethod &method : temporal_methods())
    for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
      for (int n : {0, 1, 19, 60})
        for (double retention : {0., 0.1, 1.})
          for (Type type : {Type::kFloat32, Type::kFloat16, Type::kInt8}) {
            if (type != Type::kFloat32 && kind != 2) continue;
            INFO(method.name << ", " << test::kKinds[kind] << ", " << n << " tokens, retention "
                             << retention);
            CompressorSettings settings{.budget = {.retention = retention}};
            const auto whole = method.make(settings);
            settings.incremental = true;
            const auto ahead = method.make(settings);
            const std::vector<TemporalInput> frames = group(kind, 3, n, 16, type);
            int sent = 0;
            for (const TemporalInput &f : frames) {
              CHECK(whole->add(f).n == 0);
              const Tokens news = ahead->add(f);
              CHECK(test::in_order(news));
              CHECK(test::finite(news));
              CHECK(news.type == type);
              sent += news.n;
            }
            CHECK(sent <= 3 * n);
            const Tokens out = whole->close(), exact = ahead->close();
            CHECK(out.n <= 3 * n);
            CHECK(out.type == type);
            CHECK(out.dim == 16);
            CHECK(test::in_order(out));
            CHECK(test::finite(out));
            CHECK(test::weight(out) == 3 * n);
            CHECK(test::values(out) == test::values(exact));
            CHECK(out.records == exact.records);
            if (retention == 1 && kind != 8) {  // rows shorter than 1e-12 count as nearly zero, alike to all
              REQUIRE(out.n == 3 * n);
              float top = 0, off = 0;
              for (int f = 0; f < 3; f++) {
                const std::vector<float> want = test::values(frames[size_t(f)].tokens);
                for (float v : want) top = std::max(top, std::abs(v));
                const std::vector<float> got = test::values(out);
                off = std::max(off, float(test::furthest(got.data() + size_t(f) * want.size(), want.data(),
                                                         want.size())));
              }
              CHECK(off <= (type == Type::kInt8 ? 0.02f : 1e-3f) * top);
            }
            const Tokens nothing = whole->close();  // the next group is empty
            CHECK(nothing.n == 0);
          }
}

TEST_CASE("scc: reference cases") {
  for (const test::SccCase &c : test::scc_cases()) {
    if (c.refused) {
      const auto scc = make_scc();
      CHECK_THROWS_AS(
          [&] {
            for (int f = 0; f < c.frames; f++)
              scc->add({.tokens = test::frame(c.frame(f), c.n, c.d), .source = c.n});
          }(),
          BadTokens);
      continue;
    }
    for (size_t t = 0; t < c.taus(); t++) {
      INFO(c.name << ", tau " << c.tau(t));
      const auto spatial = test::method(spatial_methods(), "scc").make({.tau = c.tau(t)});
      const auto temporal = make_scc({.tau = c.tau(t)});
      for (int f = 0; f < c.frames; f++) {
        const Tokens frame = test::frame(c.frame(f), c.n, c.d, f);
        CHECK(temporal->add({.tokens = spatial->compress(frame, c.n), .sources = frame, .source = c.n}).n ==
              0);
      }
      const Tokens out = temporal->close();
      REQUIRE(size_t(out.n) == c.at("out", t).shape[0]);
      CHECK(test::furthest(test::values(out).data(), c.at("out", t).floats(), size_t(out.n) * size_t(c.d)) <
            1e-5);
      for (int i = 0; i < out.n; i++)
        CHECK(out.records[size_t(i)].weight == uint32_t(c.at("weight", t).ints()[i]));
      CHECK(test::in_order(out));
    }
  }
}

TEST_CASE("scc by hand: with sources, and by weight without them") {
  const Tokens first = test::frame({4, 0, 0, 2}, 2, 0), second = test::frame({2, 0, -1, -1}, 2, 500);
  const Tokens sources = test::frame({3, 0, 5, 0, 0, 2, 1, -3}, 2, 0);
  const auto scc = make_scc();
  scc->add({.tokens = first, .sources = sources, .source = 4});
  scc->add({.tokens = second, .sources = second, .source = 2});
  // Representatives (3, 0), (0, 2), (-1, -1). (1, -3) is nearest to the last but one: cosines .32, -.95, .45.
  CHECK(test::values(scc->close()) == std::vector<float>{13.f / 4, 0, 0, 2, -1.f / 3, -5.f / 3});

  Tokens heavy = first;
  heavy.records[0].weight = 9;
  scc->add({.tokens = heavy, .source = 10});
  scc->add({.tokens = second, .source = 2});
  const Tokens out = scc->close();
  CHECK(test::values(out)[0] == Approx((3 + 9 * 4 + 2) / 11.));
  CHECK(out.records == std::vector<Record>{{.weight = 10}, {.column = 1}, {.time = 500, .column = 1}});
}

TEST_CASE("scc: bad frames leave the group as it was") {
  for (bool incremental : {false, true}) {
    const auto scc = make_scc({.incremental = incremental}), reference = make_scc();
    const std::vector<TemporalInput> frames = group(2, 2, 19, 16);
    for (const TemporalInput &good : frames) {
      scc->add(good), reference->add(good);
      std::vector<float> x = test::make_rows(0, 19, 16, 1);
      x[100] = NAN;
      CHECK_THROWS_AS(scc->add({.tokens = test::frame(x, 16), .source = 19}), BadTokens);
      CHECK_THROWS_AS(scc->add({.tokens = good.tokens, .sources = test::frame(x, 16), .source = 19}),
                      BadTokens);
      CHECK_THROWS_WITH(scc->add({.tokens = bare(3, 8), .source = 3}),
                        "tokens of 8 float32 numbers in a group of 16 float32");
      CHECK_THROWS_AS(scc->add({.tokens = good.tokens, .sources = bare(3, 8), .source = 3}), BadTokens);
      CHECK_THROWS_AS(scc->add({.tokens = from_float32(good.tokens, Type::kBfloat16), .source = 19}),
                      BadTokens);
    }
    const Tokens a = scc->close(), b = reference->close();
    CHECK(test::values(a) == test::values(b));
    CHECK(a.records == b.records);
    scc->add({.tokens = bare(3, 8), .source = 3});  // a new group may have another width
    scc->reset();
    CHECK(scc->close().n == 0);
  }
}

TEST_CASE("scc: budgets of a group are met exactly") {
  for (int keep : {1, 2, 17, 50, 239, 240, 500}) {
    const auto scc = make_scc({.budget = {.retention = keep / 240.}});
    for (const TemporalInput &f : group(0, 4, 60, 16)) scc->add(f);
    const Tokens out = scc->close();
    CHECK(out.n == std::min(keep, 240));
    CHECK(test::weight(out) == 240);
  }
  const auto bounded = make_scc({.incremental = true, .budget = {.max_tokens = 30}});
  int sent = 0;
  for (const TemporalInput &f : group(0, 4, 60, 16)) sent += bounded->add(f).n;
  CHECK(sent == 30);
  CHECK(bounded->close().n == 30);
}

TEST_CASE("scc: incremental sends what opens a component, once") {
  const Tokens first = test::frame({4, 0, 5, 0.1f}, 2, 0), again = test::frame({3, 0.2f}, 2, 1);
  const Tokens two = test::frame({0, 3, 2, 0, 0, 5}, 2, 2);
  const auto scc = make_scc({.incremental = true});
  CHECK(test::values(scc->add({.tokens = first, .source = 2})) == std::vector<float>{4.5f, 0.05f});
  CHECK(scc->add({.tokens = again, .source = 1}).n == 0);
  const Tokens news = scc->add({.tokens = two, .source = 3});
  CHECK(test::values(news) == std::vector<float>{0, 4});
  CHECK(news.records == std::vector<Record>{{.time = 2, .weight = 2}});

  for (const test::SccCase &c : test::scc_cases()) {  // how far the tokens sent ahead are from the group's
    if (c.refused || c.n < 49) continue;
    const auto spatial = test::method(spatial_methods(), "scc").make({});
    const auto ahead = make_scc({.incremental = true});
    std::vector<Tokens> sent;
    for (int f = 0; f < c.frames; f++) {
      const Tokens frame = test::frame(c.frame(f), c.n, c.d, f);
      sent.push_back(ahead->add({.tokens = spatial->compress(frame, c.n), .sources = frame, .source = c.n}));
    }
    Drift drift;
    drift.add(ahead->close(), sent);
    INFO(c.name << ": " << drift.exact << " tokens, " << drift.ahead << " sent ahead, distance "
                << drift.mean() << ", at most " << drift.most);
    CHECK(drift.ahead >= drift.exact);  // joins come later, splits never
    CHECK(drift.mean() < 0.2);
  }
}

TEST_CASE("uniform and random keep what the budget says, rows as they were") {
  const std::vector<TemporalInput> frames = group(0, 4, 36, 8);
  for (const char *name : {"uniform", "random"})
    for (const double retention : {0.01, 0.1, 0.5}) {
      INFO(name << " " << retention);
      const auto method = test::method(temporal_methods(), name).make({.budget = {.retention = retention}});
      std::vector<std::vector<float>> kept;
      for (int g = 0; g < 2; g++) {
        for (const TemporalInput &f : frames) method->add(f);
        const Tokens out = method->close();
        CHECK(out.n == std::llround(retention * 4 * 36));
        const std::vector<float> got = test::values(out);
        for (int i = 0; i < out.n; i++) {
          const Record &r = out.records[size_t(i)];
          const std::vector<float> frame = test::values(frames[size_t(r.time / 1000)].tokens);
          bool found = false;
          for (int j = 0; j < 36; j++)
            found |= std::equal(got.begin() + i * 8, got.begin() + i * 8 + 8, frame.begin() + j * 8);
          CHECK(found);
        }
        kept.push_back(got);
      }
      CHECK((kept[0] == kept[1]) == (name == std::string("uniform")));
    }
}
