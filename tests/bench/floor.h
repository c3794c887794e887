// What the machine gives, measured beside the thing itself: matrix products, and reading memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>

#include "kernels/threads.h"

namespace vtok::bench {

inline double seconds(const std::function<void()> &work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of a bfloat16 product of the size models use, per floating-point operation.
inline double seconds_per_flop() {
  const int64_t m = 1024, k = 1152, n = 4304;
  const at::Tensor a = at::randn({m, k}).to(at::kBFloat16), b = at::randn({n, k}).to(at::kBFloat16);
  return seconds([&] { at::linear(a, b); }) / (2.0 * m * k * n);
}

/// Seconds per byte of reading memory with every thread, far more than the caches hold.
inline double seconds_per_byte() {
  static const at::Tensor memory = at::ones({int64_t(256) << 20}, at::kByte);
  const int64_t words = memory.numel() / 8, parts = threads();
  const uint64_t *data = reinterpret_cast<const uint64_t *>(memory.const_data_ptr<uint8_t>());
  std::vector<uint64_t> sums(static_cast<size_t>(parts));
  const double time = seconds([&] {
    parallel_for(int(parts), [&](int p) {
      uint64_t sum = 0;
      for (int64_t i = words * p / parts; i < words * (p + 1) / parts; ++i) sum += data[i];
      sums[size_t(p)] = sum;
    });
  });
  if (sums[0] == 0) throw std::logic_error("nothing was read");
  return time / double(memory.numel());
}

/// The least of several runs.
struct Least {
  double value = std::numeric_limits<double>::infinity();
  void take(double x) { value = std::min(value, x); }
};

/// One row, and one of its ratio to the peer where there is one. Rates: `work` units a second.
inline void report(const char *name, const char *ratio, const char *unit, double work, double ours,
                   double floor, double peer) {
  printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"floor\": %.4g", name, work / ours, unit,
         work / floor);
  if (std::isfinite(peer)) printf(", \"peer\": %.4g", work / peer);
  printf("}\n");
  if (std::isfinite(peer))
    printf("{\"name\": \"%s\", \"value\": %.3g, \"unit\": \"x\", \"floor\": %.3g, \"peer\": 1}\n", ratio,
           peer / ours, peer / floor);
  fflush(stdout);
}

}  // namespace vtok::bench
