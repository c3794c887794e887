// The kernels of cuda() against plain(): random, extreme and odd inputs, edges, the same answer every time.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where no GPU is usable the program says so and counts as skipped (docs/gpu.md). A second program has the same
// .cu files run on the CPU (emulated/cuda_runtime.h), with fewer and smaller inputs.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdio>
#include <span>

#include "kernels/cosine.h"
#include "kernels/device_memory.h"
#include "tests/kernels/rows.h"
#include "tests/kernels/tables.h"
#include "tests/scc_cases.h"

using namespace vtok;

namespace {

struct Result {
  std::vector<int> labels, degrees, hubs;
  bool operator==(const Result &) const = default;
};

std::vector<float> norms_of(const std::vector<float> &x, int n, int d) {
  std::vector<float> norms(static_cast<size_t>(n));
  plain().norms({.x = x.data(), .n = n, .d = d, .out = norms.data()}, nullptr);
  return norms;
}

Result on_host(const std::vector<float> &x, int n, int d, double tau, const std::vector<uint8_t> &sampled) {
  Result r{std::vector<int>(size_t(n)), std::vector<int>(size_t(n)), std::vector<int>(size_t(n))};
  const std::vector<float> norms = norms_of(x, n, d);
  int count = 0;
  plain().components({.x = x.data(),
                      .norms = norms.data(),
                      .n = n,
                      .d = d,
                      .tau = tau,
                      .sampled = sampled.empty() ? nullptr : sampled.data(),
                      .labels = r.labels.data(),
                      .degrees = r.degrees.data(),
                      .hubs = r.hubs.data(),
                      .count = &count},
                     nullptr);
  r.hubs.resize(size_t(count));
  return r;
}

Result on_device(const std::vector<float> &x, int n, int d, double tau, const std::vector<uint8_t> &sampled,
                 Stream &stream) {
  const Array<float> rows(x, stream), norms(size_t(n), stream);
  const Array<uint8_t> chosen(sampled, stream);
  const Array<int> labels(size_t(n), stream), degrees(size_t(n), stream), hubs(size_t(n), stream),
      count(1, stream);
  cuda()->norms({.x = rows.data(), .n = n, .d = d, .out = norms.data()}, &stream);
  cuda()->components({.x = rows.data(),
                      .norms = norms.data(),
                      .n = n,
                      .d = d,
                      .tau = tau,
                      .sampled = sampled.empty() ? nullptr : chosen.data(),
                      .labels = labels.data(),
                      .degrees = degrees.data(),
                      .hubs = hubs.data(),
                      .count = count.data()},
                     &stream);
  Result r{labels.download(), degrees.download(), hubs.download()};
  r.hubs.resize(size_t(count.download()[0]));
  return r;
}

std::vector<float> random_rows(int n, int d, uint32_t seed) { return test::make_rows(2, n, d, seed); }

#ifdef VTOK_EMULATED
constexpr bool kEmulated = true;
#else
constexpr bool kEmulated = false;
#endif

// Every count of tiles' edges, and sizes that are no multiple of anything.
const int kManyCounts[] = {1, 2, 19, 63, 64, 65, 127, 128, 129, 196, 530, 1111};
const int kFewCounts[] = {1, 2, 33, 65, 300};

// Of sizes in rising order, those that are tried: where the device is emulated, some up to 130.
std::vector<int> tried(std::span<const int> sizes) {
  std::vector<int> some;
  for (size_t i = 0; i < sizes.size(); i++)
    if (!kEmulated || (sizes[i] <= 130 && (i == 0 || i % 2 == 1))) some.push_back(sizes[i]);
  return some;
}

// And of the kinds of rows.
std::vector<size_t> tried_kinds() {
  std::vector<size_t> kinds;
  for (size_t i = 0; i < std::size(test::kKinds); i++)
    if (!kEmulated || i % 3 == 0) kinds.push_back(i);
  return kinds;
}

}  // namespace

TEST_CASE("norms: the bits of plain()") {
  const auto own = cuda_device(0)->make_stream();
  for (size_t kind : tried_kinds())
    for (int n : tried(test::kCounts))
      for (int d : {1, 31, 32, 33, 99, 896}) {
        INFO(test::kKinds[kind] << " [" << n << ", " << d << "]");
        const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(n + d));
        const Array<float> rows(x, *own), out(size_t(n), *own);
        cuda()->norms({.x = rows.data(), .n = n, .d = d, .out = out.data()}, own.get());
        CHECK(test::differing(out.download(), norms_of(x, n, d)) == 0);
      }
}

TEST_CASE("similarity: nearly plain()'s") {
  const auto own = cuda_device(0)->make_stream();
  for (size_t kind : tried_kinds())
    for (int n : {0, 1, 19, 65, 196}) {
      const std::vector<float> x = test::make_rows(kind, n, 99, uint32_t(n)), norms = norms_of(x, n, 99);
      std::vector<float> want(size_t(n) * size_t(n));
      plain().similarity({.x = x.data(), .norms = norms.data(), .n = n, .d = 99, .out = want.data()},
                         nullptr);
      const Array<float> rows(x, *own), lengths(norms, *own), out(want.size(), *own);
      cuda()->similarity({.x = rows.data(), .norms = lengths.data(), .n = n, .d = 99, .out = out.data()},
                         own.get());
      const std::vector<float> got = out.download();
      INFO(test::kKinds[kind] << ", " << n);
      CHECK(test::furthest(got.data(), want.data(), want.size()) < 1e-5);
      CHECK(std::all_of(got.begin(), got.end(), [](float c) { return c <= 1; }));
    }
}

TEST_CASE("components: labels, degrees and hubs of plain(), at any tau, every time") {
  const auto own = cuda_device(0)->make_stream();
  for (size_t kind : tried_kinds())
    for (int n : tried(test::kCounts))
      for (int d : tried(test::kWidths))
        for (int part : {0, 5}) {
          const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(n * 131 + d)),
                                   norms = norms_of(x, n, d);
          std::vector<uint8_t> sampled;
          for (int i = 0; part && i < n; i++) sampled.push_back(i % part == 2);
          std::vector<double> taus = {0.8, -1, 1};
          // On the very edge: a link whose cosine is tau is none.
          for (int i = 1; i < n && i < 4; i++)
            taus.push_back(cosine(&x[0], &x[size_t(i) * size_t(d)], d, norms[0], norms[size_t(i)]));
          if (kEmulated) taus = {taus.front(), taus.back()};
          for (double tau : taus) {
            INFO(test::kKinds[kind] << " [" << n << ", " << d << "], tau " << tau << ", sampled " << part);
            CHECK(on_device(x, n, d, tau, sampled, *own) == on_host(x, n, d, tau, sampled));
          }
        }
}

TEST_CASE("components: long chains, which many threads link at once") {
  const auto own = cuda_device(0)->make_stream();
  for (int n : kEmulated ? std::vector{150} : std::vector{1000, 5000}) {
    std::vector<float> x;  // neighbours are alike, in an order that jumps about
    for (int i = 0; i < n; i++) {
      const double angle = double(int64_t(i) * 7919 % n) * 3.14159 / n;
      x.push_back(float(std::cos(angle))), x.push_back(float(std::sin(angle)));
    }
    const double tau = std::cos(1.5 * 3.14159 / n);
    const Result want = on_host(x, n, 2, tau, {});
    REQUIRE(want.hubs.size() == 1);
    for (int again = 0; again < 20; again++) CHECK(on_device(x, n, 2, tau, {}, *own) == want);
  }
}

TEST_CASE("nearest: labels and cosines of plain()") {
  const auto own = cuda_device(0)->make_stream();
  for (size_t kind : tried_kinds())
    for (int n : tried(kManyCounts))
      for (int m : tried(kFewCounts))
        for (int d : {1, 19, 64}) {
          const std::vector<float> x = test::make_rows(kind, n, d, 3), r = test::make_rows(kind, m, d, 4);
          const std::vector<float> lengths = norms_of(r, m, d);
          const int half = n / 2;
          std::vector<int> want(static_cast<size_t>(n));
          std::vector<double> want_cosines(static_cast<size_t>(n));
          const Rows blocks[] = {
              {x.data(), half}, {nullptr, 0}, {x.data() + size_t(half) * size_t(d), n - half}};
          Nearest args{.x = blocks,
                       .blocks = 3,
                       .d = d,
                       .r = r.data(),
                       .r_norms = lengths.data(),
                       .m = m,
                       .labels = want.data(),
                       .cosines = want_cosines.data()};
          plain().nearest(args, nullptr);
          const Array<float> rows(x, *own), reps(r, *own), norms(lengths, *own);
          const Array<int> labels(size_t(n), *own);
          const Array<double> cosines(size_t(n), *own);
          const Rows there[] = {
              {rows.data(), half}, {nullptr, 0}, {rows.data() + size_t(half) * size_t(d), n - half}};
          args.x = there, args.r = reps.data(), args.r_norms = norms.data();
          args.labels = labels.data(), args.cosines = cosines.data();
          cuda()->nearest(args, own.get());
          INFO(test::kKinds[kind] << " [" << n << ", " << d << "], " << m << " representatives");
          CHECK(test::differing(labels.download(), want) == 0);
          CHECK(test::differing(cosines.download(), want_cosines) == 0);
        }
}

TEST_CASE("nearest: more representatives than one buffer of scores takes at once") {
  const auto own = cuda_device(0)->make_stream();
  if (kEmulated) return;  // it would take minutes
  constexpr int n = 70, m = 300000, d = 3;  // 16.8 M scores are written down at a time
  const std::vector<float> x = random_rows(n, d, 1), r = random_rows(m, d, 2), lengths = norms_of(r, m, d);
  std::vector<int> want(n);
  const Rows host{x.data(), n};
  Nearest args{.x = &host,
               .blocks = 1,
               .d = d,
               .r = r.data(),
               .r_norms = lengths.data(),
               .m = m,
               .labels = want.data()};
  plain().nearest(args, nullptr);
  const Array<float> rows(x, *own), reps(r, *own), norms(lengths, *own);
  const Array<int> labels(n, *own);
  const Rows there{rows.data(), n};
  args.x = &there, args.r = reps.data(), args.r_norms = norms.data(), args.labels = labels.data();
  cuda()->nearest(args, own.get());
  CHECK(test::differing(labels.download(), want) == 0);
}

TEST_CASE("means: the bits of plain(), with weights, with a start, in place") {
  const auto own = cuda_device(0)->make_stream();
  std::mt19937 random(5);
  for (size_t kind : tried_kinds())
    for (int n : tried(kManyCounts))
      for (int m : tried(kFewCounts))
        for (int d : {1, 255, 256, 257})
          for (bool full : {false, true}) {
            const std::vector<float> x = test::make_rows(kind, n, d, 3),
                                     start = test::make_rows(kind, m, d, 4);
            std::vector<int> labels;
            std::vector<uint32_t> weights;
            for (int i = 0; i < n; i++)
              labels.push_back(int(random() % unsigned(m))), weights.push_back(i == 3 ? 0u : random() >> 4);
            std::vector<float> want = start;
            std::vector<uint64_t> want_counts(static_cast<size_t>(m));
            const Rows host{x.data(), n};
            Means args{.x = &host,
                       .blocks = 1,
                       .d = d,
                       .labels = labels.data(),
                       .weights = full ? weights.data() : nullptr,
                       .start = full ? want.data() : nullptr,
                       .m = m,
                       .out = want.data(),
                       .counts = want_counts.data()};
            plain().means(args, nullptr);
            const Array<float> rows(x, *own), out(start, *own);
            const Array<int> label(labels, *own);
            const Array<uint32_t> weight(weights, *own);
            const Array<uint64_t> counts(size_t(m), *own);
            const Rows there{rows.data(), n};
            args.x = &there, args.labels = label.data(), args.out = out.data(), args.counts = counts.data();
            if (full) args.weights = weight.data(), args.start = out.data();
            cuda()->means(args, own.get());
            INFO(test::kKinds[kind] << " [" << n << ", " << d << "], " << m << " labels, weights " << full);
            CHECK(test::differing(out.download(), want) == 0);
            CHECK(counts.download() == want_counts);
          }
}

TEST_CASE("convert: the bits of plain()") {
  const auto own = cuda_device(0)->make_stream();
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); i++) all[i] = uint16_t(i);
  std::mt19937 random(6);
  std::vector<uint32_t> bits(100001);
  for (uint32_t &b : bits) b = random();
  for (Number type : {Number::kFloat16, Number::kBfloat16}) {
    std::vector<uint32_t> wide(65536);  // as bits: NaN differs from itself
    std::vector<uint16_t> narrow(bits.size());
    Convert up{.x = all.data(), .from = type, .to = Number::kFloat32, .count = 65536, .out = wide.data()},
        down{.x = bits.data(),
             .from = Number::kFloat32,
             .to = type,
             .count = int64_t(bits.size()),
             .out = narrow.data()};
    plain().convert(up, nullptr), plain().convert(down, nullptr);
    const Array<uint16_t> x(all, *own), out(narrow.size(), *own);
    const Array<uint32_t> y(bits, *own), in(65536, *own);
    up.x = x.data(), up.out = in.data(), down.x = y.data(), down.out = out.data();
    cuda()->convert(up, own.get()), cuda()->convert(down, own.get());
    const std::vector<uint32_t> got = in.download();
    size_t wrong = 0;
    for (size_t i = 0; i < got.size();
         i++)  // a NaN may keep or lose its quiet bit on the way through a register
      wrong += (got[i] & 0x7fffffff) > 0x7f800000 ? (wide[i] & 0x7fffffff) <= 0x7f800000 : got[i] != wide[i];
    CHECK(wrong == 0);
    CHECK(test::differing(out.download(), narrow) == 0);
  }
}

TEST_CASE("norms: finite where, and only where, the row is") {
  const auto own = cuda_device(0)->make_stream();
  Stream &stream = *own;
  std::vector<float> x = test::make_rows(9, 40, 33, 1);
  x[5] = NAN, x[40] = INFINITY;
  for (size_t c = 66; c < 99; c++) x[c] = 3e38f;
  const Array<float> rows(x, stream), out(40, stream);
  cuda()->norms({.x = rows.data(), .n = 40, .d = 33, .out = out.data()}, &stream);
  const std::vector<float> got = out.download(), want = norms_of(x, 40, 33);
  CHECK_FALSE(std::isfinite(got[0]));
  CHECK_FALSE(std::isfinite(got[1]));
  for (size_t i = 2; i < 40; i++) CHECK(got[i] == Approx(want[i]).epsilon(1e-6));
}

TEST_CASE("reference cases: components, means, nearest and merge") {
  const auto own = cuda_device(0)->make_stream();
  Stream &stream = *own;
  for (const test::SccCase &c : test::scc_cases()) {
    if (c.refused || (kEmulated && int64_t(c.frames) * c.n * c.d > 10000)) continue;
    for (size_t t = 0; t < c.taus(); t++) {
      INFO(c.name << ", tau " << c.tau(t));
      const test::Array &representatives = c.at("spatial", t), &want = c.at("out", t);
      const int r = int(representatives.shape[0]), m = int(want.shape[0]), n = c.frames * c.n;
      const std::vector<float> x(c.frame(0), c.frame(0) + size_t(n) * size_t(c.d));
      const std::vector<float> spatial(representatives.floats(),
                                       representatives.floats() + size_t(r) * size_t(c.d));
      const Result group = on_device(spatial, r, c.d, c.tau(t), {}, stream);
      CHECK(std::equal(group.labels.begin(), group.labels.end(), c.at("temporal_labels", t).ints()));
      REQUIRE(int(group.hubs.size()) == m);

      const Array<float> sources(x, stream), reps(spatial, stream), out(size_t(m) * size_t(c.d), stream);
      const Array<float> lengths(size_t(m), stream);
      const Array<int> labels(group.labels, stream), assign(size_t(n), stream);
      const Array<uint64_t> counts(size_t(m), stream);
      const Rows all{reps.data(), r};
      std::vector<Rows> frames;
      for (int f = 0; f < c.frames; f++)
        frames.push_back({sources.data() + size_t(f) * size_t(c.n) * size_t(c.d), c.n});
      cuda()->means({.x = &all,
                     .blocks = 1,
                     .d = c.d,
                     .labels = labels.data(),
                     .m = m,
                     .out = out.data(),
                     .counts = counts.data()},
                    &stream);
      cuda()->norms({.x = out.data(), .n = m, .d = c.d, .out = lengths.data()}, &stream);
      cuda()->nearest({.x = frames.data(),
                       .blocks = c.frames,
                       .d = c.d,
                       .r = out.data(),
                       .r_norms = lengths.data(),
                       .m = m,
                       .labels = assign.data()},
                      &stream);
      cuda()->means({.x = frames.data(),
                     .blocks = c.frames,
                     .d = c.d,
                     .labels = assign.data(),
                     .start = out.data(),
                     .m = m,
                     .out = out.data(),
                     .counts = counts.data()},
                    &stream);
      const std::vector<int> assigned = assign.download();
      CHECK(std::equal(assigned.begin(), assigned.end(), c.at("assign", t).ints()));
      const std::vector<uint64_t> weights = counts.download();
      for (int j = 0; j < m; j++) CHECK(weights[size_t(j)] == uint64_t(c.at("weight", t).ints()[j]));
      CHECK(test::furthest(out.download().data(), want.floats(), size_t(m) * size_t(c.d)) < 1e-5);
    }
  }
}

TEST_CASE("preprocess: the bytes of plain()") {
  const auto own = cuda_device(0)->make_stream();
  Stream &stream = *own;
  const int sizes[][4] = {
      {1, 1, 5, 3}, {64, 48, 64, 48}, {161, 97, 70, 70}, {200, 33, 19, 33}, {320, 180, 384, 384}};
  for (const auto &s : sizes)
    for (Interpolation i : {Interpolation::kBilinear, Interpolation::kBicubic, Interpolation::kLanczos}) {
      std::mt19937 random(static_cast<uint32_t>(s[0]));
      std::vector<uint8_t> rgb(size_t(s[0]) * size_t(s[1]) * 3);
      for (uint8_t &v : rgb) v = uint8_t(random() % 2 ? 255 * (random() % 2) : random());
      const Filter across = make_filter(s[0], s[2], i), down = make_filter(s[1], s[3], i);
      std::vector<float> want(size_t(s[2]) * size_t(s[3]) * 3);
      Preprocess args{.rgb = rgb.data(),
                      .stride = s[0] * 3,
                      .across = across.view(),
                      .down = down.view(),
                      .mean = {127.5f, 100, 0},
                      .deviation = {127.5f, 60, 1},
                      .out = want.data()};
      plain().preprocess(args, nullptr);
      const Array<uint8_t> picture(rgb, stream);
      const Array<int> first_across(across.first, stream), first_down(down.first, stream);
      const Array<int16_t> weights_across(across.weights, stream), weights_down(down.weights, stream);
      const Array<float> out(want.size(), stream);
      args.rgb = picture.data(), args.out = out.data();
      args.across.first = first_across.data(), args.across.weights = weights_across.data();
      args.down.first = first_down.data(), args.down.weights = weights_down.data();
      cuda()->preprocess(args, &stream);
      INFO(s[0] << "x" << s[1] << " to " << s[2] << "x" << s[3] << ", filter " << int(i));
      CHECK(test::differing(out.download(), want) == 0);
    }
}

int main(int argc, char **argv) {
  if (!cuda()) {
    std::puts("skipped: no usable GPU");
    return 77;
  }
  return Catch::Session().run(argc, argv);
}
