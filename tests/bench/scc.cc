// Semantic connected components of 16 x 196 x 896 float32 against its matrix products alone.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Those are the dense Gram of each frame, the temporal Gram and the merge, by oneDNN on the same data. Rounds are
// interleaved and the least times compared.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/onednn.h"
#include "kernels/threads.h"
#include "models/spatial.h"
#include "models/temporal.h"

extern "C" void omp_set_num_threads(int);

using namespace vtok;

namespace {

constexpr int kFrames = 16, kSide = 14, kTokens = kSide * kSide, kWidth = 896;

// A smooth field over place and time: a few waves, each with a direction of its own, and a little noise.
std::vector<float> smooth_field() {
  constexpr int kWaves = 24;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> direction(size_t(kWaves) * kWidth), x(size_t(kFrames) * kTokens * kWidth);
  for (float &v : direction) v = normal(random);
  float frequency[kWaves][3], phase[kWaves];
  for (int w = 0; w < kWaves; w++) {
    for (int a = 0; a < 3; a++) frequency[w][a] = normal(random) * (a == 2 ? 0.25f : 0.45f);
    phase[w] = normal(random) * 6;
  }
  float *out = x.data();
  for (int f = 0; f < kFrames; f++)
    for (int i = 0; i < kTokens; i++, out += kWidth) {
      for (int w = 0; w < kWaves; w++) {
        const float at = frequency[w][0] * float(i / kSide) + frequency[w][1] * float(i % kSide) +
                         frequency[w][2] * float(f);
        const float height = std::cos(at + phase[w]);
        for (int c = 0; c < kWidth; c++) out[c] += height * direction[size_t(w) * kWidth + size_t(c)];
      }
      for (int c = 0; c < kWidth; c++) out[c] += normal(random) * 0.45f;
    }
  return x;
}

Tokens tokens_of(const float *values, int n) {
  void *memory;
  Tokens t = allocate_tokens(Type::kFloat32, n, kWidth, memory);
  std::memcpy(memory, values, t.bytes());
  return t;
}

// The ways to make the products that are tried; the quickest is the floor.
enum Way {
  kGemm,
  kPrimitive,
  kShared,
  kWays
};  // sgemm, matmul primitive, sgemm of slices on our own threads

// out [m, n] = a [m, d] b [n, d]^T by oneDNN.
class Product {
  int m, n;
  std::vector<float> out;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::memory::desc left, right, result;
  dnnl::matmul primitive;

 public:
  Product(int rows, int columns)
      : m(rows),
        n(columns),
        out(size_t(rows) * size_t(columns)),
        left({rows, kWidth}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab),
        right({kWidth, columns}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ba),
        result({rows, columns}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab),
        primitive(vtok::fast::matmul(engine, left, right, result)) {}

  void run(const float *a, const float *b, Way way) {
    if (way == kPrimitive) {
      const auto memory = [&](const dnnl::memory::desc &desc, const float *p) {
        return dnnl::memory(desc, engine, const_cast<float *>(p));
      };
      primitive.execute(stream, {{DNNL_ARG_SRC, memory(left, a)},
                                 {DNNL_ARG_WEIGHTS, memory(right, b)},
                                 {DNNL_ARG_DST, memory(result, out.data())}});
      stream.wait();
      return;
    }
    const int slices = way == kShared ? std::max(m / 512, 1) * threads() : 1;
    const auto slice = [&](int i) {
      const int first = m * i / slices, last = m * (i + 1) / slices;
      dnnl::sgemm('N', 'T', last - first, n, kWidth, 1, a + size_t(first) * kWidth, kWidth, b, kWidth, 0,
                  out.data() + size_t(first) * size_t(n), n);
    };
    if (way == kShared)
      parallel_for(slices, slice);
    else
      slice(0);
  }
};

template <class F>
double milliseconds(F &&f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void row(const char *name, double value, const char *unit, double floor) {
  std::printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"floor\": ", name, value, unit);
  std::printf(floor > 0 ? "%.4g, \"peer\": null}\n" : "null, \"peer\": null}\n", floor);
}

}  // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::vector<float> x = smooth_field();
  std::vector<Tokens> frames;
  for (int f = 0; f < kFrames; f++) frames.push_back(tokens_of(&x[size_t(f) * kTokens * kWidth], kTokens));
  const auto spatial = spatial_methods()[1].make({});
  const auto temporal = temporal_methods()[1].make({});

  int representatives = 0;
  double step[2];
  Tokens out;
  const auto compress = [&] {
    representatives = 0;
    step[0] = milliseconds([&] {
      for (const Tokens &frame : frames) {
        Tokens left = spatial->compress(frame, kTokens);
        representatives += left.n;
        temporal->add({.tokens = std::move(left), .sources = frame, .source = kTokens});
      }
    });
    step[1] = milliseconds([&] { out = temporal->close(); });
  };
  compress();

  Product gram(kTokens, kTokens), joint(representatives, representatives), merge(kFrames * kTokens, out.n);
  const auto floor = [&](Way way) {
    for (int f = 0; f < kFrames; f++) {
      const float *frame = &x[size_t(f) * kTokens * kWidth];
      gram.run(frame, frame, way);
    }
    joint.run(x.data(), x.data(), way);
    merge.run(x.data(), x.data(), way);
  };
  double best = 1e9, least = 1e9, best_step[2] = {1e9, 1e9};
  for (int r = 0; r < rounds; r++) {
    omp_set_num_threads(threads());
    for (int way = 0; way < kWays; way++) least = std::min(least, milliseconds([&] { floor(Way(way)); }));
    best = std::min(best, milliseconds(compress));
    for (int s = 0; s < 2; s++) best_step[s] = std::min(best_step[s], step[s]);
  }
  row("scc_over_floor", best / least, "ratio", 1);
  row("scc_ms", best, "ms", least);
  row("scc_frames_ms", best_step[0], "ms", 0);
  row("scc_close_ms", best_step[1], "ms", 0);
  row("scc_kept_spatial_percent", 100. * representatives / (kFrames * kTokens), "%", 0);
  row("scc_kept_percent", 100. * out.n / (kFrames * kTokens), "%", 0);
}
