// A matrix times a few rows, in SIMD on every thread: weights are read once for several, since the memory is the bound.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "kernels/fast.h"
#include "kernels/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec_fast.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Needs the lines above.
#include "kernels/load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {

/// out[k * stride] = <w, x[k]> + bias, x [N, n]. Every row of x goes through the same sums in the same order whatever N is.
template <int N, class T>
void dots(const T *w, const float *x, int n, float bias, float *out, size_t stride) {
  const D d;
  const int lanes = int(hn::Lanes(d));
  V sums[N][4];
  for (auto &row : sums)
    for (V &sum : row) sum = hn::Zero(d);
  int i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
    for (int j = 0; j < 4; j++) {
      const V weight = load(w + i + j * lanes);
      for (int k = 0; k < N; k++)
        sums[k][j] = hn::MulAdd(weight, load(x + size_t(k) * n + i + j * lanes), sums[k][j]);
    }
  for (; i + lanes <= n; i += lanes) {
    const V weight = load(w + i);
    for (int k = 0; k < N; k++) sums[k][0] = hn::MulAdd(weight, load(x + size_t(k) * n + i), sums[k][0]);
  }
  for (int k = 0; k < N; k++) {
    float sum = hn::GetLane(
        hn::SumOfLanes(d, hn::Add(hn::Add(sums[k][0], sums[k][1]), hn::Add(sums[k][2], sums[k][3]))));
    for (int c = i; c < n; c++) sum += widen(w[c]) * x[size_t(k) * n + c];
    out[k * stride] = sum + bias;
  }
}

/// One row of weights times N rows of x.
template <int N>
void row(const MatVec &a, int r, const float *x, float *out) {
  const float bias = a.bias ? a.bias[r] : 0.f;
  const size_t at = size_t(r) * a.columns, stride = size_t(a.rows);
  if (a.type == Weight::kFloat32)
    dots<N>(static_cast<const float *>(a.weights) + at, x, a.columns, bias, out, stride);
  else
    dots<N>(static_cast<const uint16_t *>(a.weights) + at, x, a.columns, bias, out, stride);
}

void rows(const MatVec &a, int from, int to) {
  for (int r = from; r < to; r++)
    for (int i = 0; i < a.n;) {
      const int left = a.n - i, taken = left >= 4 ? 4 : left >= 2 ? 2 : 1;
      const auto some = taken == 4 ? row<4> : taken == 2 ? row<2> : row<1>;
      some(a, r, a.x + size_t(i) * a.columns, a.out + size_t(i) * a.rows + r);
      i += taken;
    }
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(rows);

void matvec(const MatVec &a, Stream *) {
  // Weights that are worth a task of their own; tasks that other work delays leave theirs to the other threads.
  constexpr int64_t kLeast = 1 << 18;
  const int64_t all = int64_t(a.rows) * a.columns * a.n;
  const int parts = int(std::clamp<int64_t>(all / kLeast, 1, std::min(8 * threads(), std::max(1, a.rows))));
  if (a.type == Weight::kInt8 || a.type == Weight::kInt4) return matvec_narrow(a, parts);
  parallel_for(parts, [&](int i) {
    HWY_DYNAMIC_DISPATCH(rows)
    (a, int(int64_t(a.rows) * i / parts), int(int64_t(a.rows) * (i + 1) / parts));
  });
}

}  // namespace vtok::fast
#endif
