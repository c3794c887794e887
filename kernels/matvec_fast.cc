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

template <class T>
void rows(const MatVec &a, int from, int to) {
  const T *w = static_cast<const T *>(a.weights);
  for (int r = from; r < to; r++) {
    const T *row = w + size_t(r) * a.columns;
    const float bias = a.bias ? a.bias[r] : 0.f;
    const size_t stride = size_t(a.rows);
    for (int i = 0; i < a.n;) {
      const float *x = a.x + size_t(i) * a.columns;
      float *out = a.out + i * stride + r;
      if (a.n - i >= 4) {
        dots<4>(row, x, a.columns, bias, out, stride);
        i += 4;
      } else if (a.n - i >= 2) {
        dots<2>(row, x, a.columns, bias, out, stride);
        i += 2;
      } else {
        dots<1>(row, x, a.columns, bias, out, stride);
        i += 1;
      }
    }
  }
}

void rows_of(const MatVec &a, int from, int to) {
  a.bfloat16 ? rows<uint16_t>(a, from, to) : rows<float>(a, from, to);
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(rows_of);

void matvec(const MatVec &a, Stream *) {
  constexpr int64_t kLeast = 1 << 16;  // weights a thread should have to be worth waking
  const int64_t all = int64_t(a.rows) * a.columns * a.n;
  const int parts = int(std::clamp<int64_t>(all / kLeast, 1, std::min(threads(), std::max(1, a.rows))));
  parallel_for(parts, [&](int i) {
    HWY_DYNAMIC_DISPATCH(rows_of)
    (a, int(int64_t(a.rows) * i / parts), int(int64_t(a.rows) * (i + 1) / parts));
  });
}

}  // namespace vtok::fast
#endif
