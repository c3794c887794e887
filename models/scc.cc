// Semantic Connected Components of one set of tokens, under a budget.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/scc.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "kernels/forest.h"
#include "kernels/kernels.h"

namespace vtok {
namespace {

// min(n, ceil(ln n / epsilon^2)) of n, drawn without replacement: a partial Fisher-Yates shuffle.
std::vector<uint8_t> sample(int n, double epsilon, uint64_t seed) {
  const double wanted = std::ceil(std::log(double(n)) / (epsilon * epsilon));
  const int count = wanted < n ? int(wanted) : n;
  std::vector<int> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(seed);
  std::vector<uint8_t> sampled(size_t(n), 0);
  for (int i = 0; i < count; i++) {
    std::swap(order[size_t(i)], order[size_t(i) + random() % uint64_t(n - i)]);
    sampled[size_t(order[size_t(i)])] = 1;
  }
  return sampled;
}

struct Linked {
  std::vector<int> labels, degrees, hubs;
};

Linked components(const float *x, const float *norms, int n, int d, double tau,
                  const std::vector<uint8_t> &chosen, Stream &stream) {
  const Array<uint8_t> sampled(chosen, stream);
  const Array<int> labels(size_t(n), stream), degrees(size_t(n), stream), hubs(size_t(n), stream),
      count(1, stream);
  stream.device().kernels().components({.x = x,
                                        .norms = norms,
                                        .n = n,
                                        .d = d,
                                        .tau = tau,
                                        .sampled = chosen.empty() ? nullptr : sampled.data(),
                                        .labels = labels.data(),
                                        .degrees = degrees.data(),
                                        .hubs = hubs.data(),
                                        .count = count.data()},
                                       &stream);
  Linked l{std::vector<int>(size_t(n)), std::vector<int>(size_t(n)), std::vector<int>(size_t(n))};
  labels.fetch(l.labels), degrees.fetch(l.degrees), hubs.fetch(l.hubs);
  l.hubs.resize(size_t(count.download()[0]));
  return l;
}

// Exactly `keep` components, 1 <= keep < n: the n - keep best edges of the tree. Where the last edge taken
// and the first left out are no tie, these are the components at tau = the cosine of the first left out,
// whose degrees choose the hubs.
Partition cut(const float *x, const float *norms, int n, int d, int keep, Stream &stream) {
  if (!stream.device().kernels().tree) {
    std::vector<float> rows(size_t(n) * size_t(d)), lengths(static_cast<size_t>(n));
    stream.copy(rows.data(), x, rows.size() * sizeof(float));
    stream.copy(lengths.data(), norms, lengths.size() * sizeof(float));
    stream.wait();
    return cut(rows.data(), lengths.data(), n, d, keep, *host_device().make_stream());
  }
  std::vector<int> from(size_t(n) - 1), to(size_t(n) - 1);
  std::vector<float> cosines(size_t(n) - 1);
  cpu().tree({.x = x,
              .norms = norms,
              .n = n,
              .d = d,
              .from = from.data(),
              .to = to.data(),
              .cosines = cosines.data()},
             &stream);
  const size_t taken = size_t(n - keep);
  Forest sets(n);
  for (size_t i = 0; i < taken; i++) sets.unite(from[i], to[i]);
  const float tau = taken < cosines.size() ? cosines[taken] : std::nextafter(cosines.back(), -2.f);
  const Linked linked = components(x, norms, n, d, double(tau), {}, stream);
  Partition p{std::vector<int>(size_t(n)), std::vector<int>(size_t(n))};
  p.hubs.resize(size_t(number_by_hub(sets, n, linked.degrees.data(), p.labels.data(), p.hubs.data())));
  return p;
}

Partition keep_all(int n) {
  Partition p{std::vector<int>(size_t(n)), {}};
  std::iota(p.labels.begin(), p.labels.end(), 0);
  p.hubs = p.labels;
  return p;
}

}  // namespace

Partition scc(const float *x, const float *norms, int n, int d, const CompressorSettings &settings,
              int64_t source, Stream &stream) {
  if (n == 0) return {};
  if (settings.budget.retention > 0 || settings.budget.tokens > 0) {
    const int keep = settings.budget.keep(source, n);
    return keep >= n ? keep_all(n) : cut(x, norms, n, d, keep, stream);
  }
  std::vector<uint8_t> sampled;
  if (settings.epsilon > 0) sampled = sample(n, settings.epsilon, settings.seed);
  Linked own = components(x, norms, n, d, settings.tau, sampled, stream);
  const int keep = settings.budget.keep(source, int(own.hubs.size()));
  if (keep < int(own.hubs.size())) return cut(x, norms, n, d, keep, stream);
  return {std::move(own.labels), std::move(own.hubs)};
}

Tokens means_by_label(const float *x, int d, const std::vector<int> &labels, int m,
                      const std::shared_ptr<Stream> &stream) {
  void *memory;
  Tokens out = allocate_tokens(Type::kFloat32, m, d, stream, memory);
  const Use writing(out, *stream);
  const Array<int> label(labels, *stream);
  const Array<uint64_t> counts(size_t(m), *stream);
  const Rows rows{x, int(labels.size())};
  stream->device().kernels().means({.x = &rows,
                                    .blocks = 1,
                                    .d = d,
                                    .labels = label.data(),
                                    .m = m,
                                    .out = static_cast<float *>(memory),
                                    .counts = counts.data()},
                                   stream.get());
  return out;
}

}  // namespace vtok
