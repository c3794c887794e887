// A matrix times a few rows, in SIMD on every thread: weights are read once for several, since the memory is the bound.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "kernels/fast.h"
#include "kernels/reference.h"
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

using Narrow = hn::CappedTag<float, kScaled / 2>;  // a whole number of vectors has one scale

/// `lanes` weights from column i of 64 on, as float32; i of kInt4 counts from either half.
template <Weight kType>
HWY_INLINE hn::Vec<Narrow> integers(const uint8_t *w, int i) {
  const Narrow d;
  const hn::RebindToSigned<Narrow> wide;
  if constexpr (kType == Weight::kInt8) {
    const hn::Rebind<int8_t, Narrow> bytes;
    return hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(bytes, reinterpret_cast<const int8_t *>(w) + i)));
  } else {
    const hn::Rebind<uint8_t, Narrow> bytes;
    const auto pairs = hn::PromoteTo(wide, hn::LoadU(bytes, w + i % (kScaled / 2)));
    const auto half = i < kScaled / 2 ? hn::And(pairs, hn::Set(wide, 15)) : hn::ShiftRight<4>(pairs);
    return hn::ConvertTo(d, hn::Sub(half, hn::Set(wide, 8)));
  }
}

/// The same of a row with scales.
template <int N, Weight kType>
void scaled_dots(const uint8_t *w, const float *scales, const float *x, int n, float bias, float *out, size_t stride) {
  const Narrow d;
  const int lanes = int(hn::Lanes(d));
  hn::Vec<Narrow> sums[N];
  for (auto &sum : sums) sum = hn::Zero(d);
  for (int g = 0; g < n; g += kScaled, w += kType == Weight::kInt8 ? kScaled : kScaled / 2) {
    hn::Vec<Narrow> own[N];
    for (auto &sum : own) sum = hn::Zero(d);
    for (int i = 0; i < kScaled; i += lanes) {
      const auto weight = integers<kType>(w, i);
      for (int k = 0; k < N; k++) own[k] = hn::MulAdd(weight, hn::LoadU(d, x + size_t(k) * n + g + i), own[k]);
    }
    const auto scale = hn::Set(d, scales[g / kScaled]);
    for (int k = 0; k < N; k++) sums[k] = hn::MulAdd(own[k], scale, sums[k]);
  }
  for (int k = 0; k < N; k++) out[k * stride] = hn::GetLane(hn::SumOfLanes(d, sums[k])) + bias;
}

/// One row of weights times N rows of x.
template <int N>
void row(const MatVec &a, int r, const float *x, float *out) {
  const float bias = a.bias ? a.bias[r] : 0.f;
  const size_t at = size_t(r) * a.columns, stride = size_t(a.rows);
  const auto *bytes = static_cast<const uint8_t *>(a.weights);
  switch (a.type) {
    case Weight::kFloat32:
      return dots<N>(static_cast<const float *>(a.weights) + at, x, a.columns, bias, out, stride);
    case Weight::kBfloat16:
      return dots<N>(static_cast<const uint16_t *>(a.weights) + at, x, a.columns, bias, out, stride);
    case Weight::kInt8:
      return scaled_dots<N, Weight::kInt8>(bytes + at, a.scales + at / kScaled, x, a.columns, bias, out, stride);
    case Weight::kInt4:
      return scaled_dots<N, Weight::kInt4>(bytes + at / 2, a.scales + at / kScaled, x, a.columns, bias, out, stride);
  }
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
  constexpr int64_t kLeast = 1 << 16;  // weights a thread should have to be worth waking
  const int64_t all = int64_t(a.rows) * a.columns * a.n;
  const int parts = int(std::clamp<int64_t>(all / kLeast, 1, std::min(threads(), std::max(1, a.rows))));
  parallel_for(parts, [&](int i) {
    HWY_DYNAMIC_DISPATCH(rows)
    (a, int(int64_t(a.rows) * i / parts), int(int64_t(a.rows) * (i + 1) / parts));
  });
}

void quantize(const Quantize &a, Stream *stream) {
  constexpr int kRows = 64;  // of a task
  parallel_for((a.rows + kRows - 1) / kRows, [&](int i) {
    Quantize part = a;
    const size_t from = size_t(i) * kRows, at = from * a.columns;
    part.rows = std::min(kRows, a.rows - int(from));
    part.weights = static_cast<const uint8_t *>(a.weights) + at * (a.from == Weight::kFloat32 ? 4 : 2);
    part.out += at / (a.to == Weight::kInt4 ? 2 : 1);
    part.scales += at / kScaled;
    reference::quantize(part, stream);
  });
}

}  // namespace vtok::fast
#endif
