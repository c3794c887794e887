// The kernels of cuda() against plain(), over kinds and sizes of rows. Where no GPU is usable the program
// says so and counts as skipped. SPDX-License-Identifier: LGPL-2.1-or-later
#define CATCH_CONFIG_RUNNER
#include "kernels/cuda.h"

#include <catch2/catch.hpp>
#include <cstdio>

#include "kernels/cosine.h"
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
  const DeviceBuffer<float> rows(x, stream), norms(size_t(n), stream);
  const DeviceBuffer<uint8_t> chosen(sampled, stream);
  const DeviceBuffer<int> labels(size_t(n), stream), degrees(size_t(n), stream), hubs(size_t(n), stream),
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

// tau, moved up until no cosine is so near that float32 may decide the other way.
double clear(const std::vector<float> &x, int n, int d, double tau) {
  const std::vector<float> norms = norms_of(x, n, d);
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

TEST_CASE("components: labels, degrees and hubs of plain()") {
  Stream stream;
  for (size_t kind = 0; kind < std::size(test::kKinds); kind++)
    for (int n : test::kCounts)
      for (int d : test::kWidths)
        for (int part : {0, 5}) {
          const std::vector<float> x = test::make_rows(kind, n, d, uint32_t(n * 131 + d));
          std::vector<uint8_t> sampled;
          for (int i = 0; part && i < n; i++) sampled.push_back(i % part == 2);
          const double tau = clear(x, n, d, 0.8);
          INFO(test::kKinds[kind] << " [" << n << ", " << d << "], tau " << tau << ", sampled " << part);
          CHECK(on_device(x, n, d, tau, sampled, stream) == on_host(x, n, d, tau, sampled));
        }
}

TEST_CASE("norms: finite where, and only where, the row is") {
  Stream stream;
  std::vector<float> x = test::make_rows(9, 40, 33, 1);
  x[5] = NAN, x[40] = INFINITY;
  for (size_t c = 66; c < 99; c++) x[c] = 3e38f;
  const DeviceBuffer<float> rows(x, stream), out(40, stream);
  cuda()->norms({.x = rows.data(), .n = 40, .d = 33, .out = out.data()}, &stream);
  const std::vector<float> got = out.download(), want = norms_of(x, 40, 33);
  CHECK_FALSE(std::isfinite(got[0]));
  CHECK_FALSE(std::isfinite(got[1]));
  for (size_t i = 2; i < 40; i++) CHECK(got[i] == Approx(want[i]).epsilon(1e-6));
}

TEST_CASE("reference cases: components, means, nearest and merge") {
  Stream stream;
  for (const test::SccCase &c : test::scc_cases()) {
    if (c.refused) continue;
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

      const DeviceBuffer<float> sources(x, stream), reps(spatial, stream),
          out(size_t(m) * size_t(c.d), stream);
      const DeviceBuffer<float> lengths(size_t(m), stream);
      const DeviceBuffer<int> labels(group.labels, stream), assign(size_t(n), stream);
      const DeviceBuffer<uint64_t> counts(size_t(m), stream);
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
  Stream stream;
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
      const DeviceBuffer<uint8_t> picture(rgb, stream);
      const DeviceBuffer<int> first_across(across.first, stream), first_down(down.first, stream);
      const DeviceBuffer<int16_t> weights_across(across.weights, stream), weights_down(down.weights, stream);
      const DeviceBuffer<float> out(want.size(), stream);
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
