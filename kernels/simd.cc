// Loops over one row that the fast kernels share, compiled for every vector width, chosen when first called.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/simd.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vtok::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::ScalableTag<float> kFloats;
constexpr hn::RebindToSigned<hn::ScalableTag<float>> kInts;

float SumSquares(const float *HWY_RESTRICT x, int n) {
  const int lanes = int(hn::Lanes(kFloats));
  auto a = hn::Zero(kFloats), b = a, c = a, e = a;
  int i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const auto p = hn::LoadU(kFloats, x + i), q = hn::LoadU(kFloats, x + i + lanes);
    const auto r = hn::LoadU(kFloats, x + i + 2 * lanes), s = hn::LoadU(kFloats, x + i + 3 * lanes);
    a = hn::MulAdd(p, p, a), b = hn::MulAdd(q, q, b), c = hn::MulAdd(r, r, c), e = hn::MulAdd(s, s, e);
  }
  float sum = hn::GetLane(hn::SumOfLanes(kFloats, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < n; i++) sum += x[i] * x[i];
  return sum;
}

// `N` vectors of columns from i on, so that a row's cache lines are read once and no sum is.
template <int N>
void MeanColumns(const float *HWY_RESTRICT const *rows, const float *HWY_RESTRICT weights, int count,
                 const float *start, float parts, int i, float *out) {
  const int lanes = int(hn::Lanes(kFloats));
  using V = hn::Vec<decltype(kFloats)>;
  V sum[N];
  for (V &s : sum) s = hn::Zero(kFloats);
  for (int r = 0; r < count; r++) {
    const auto w = hn::Set(kFloats, weights[r]);
    for (int v = 0; v < N; v++) sum[v] = hn::MulAdd(w, hn::LoadU(kFloats, rows[r] + i + v * lanes), sum[v]);
  }
  const auto all = hn::Set(kFloats, parts);
  for (int v = 0; v < N; v++) {
    if (start) sum[v] = hn::Add(sum[v], hn::LoadU(kFloats, start + i + v * lanes));
    hn::StoreU(hn::Div(sum[v], all), kFloats, out + i + v * lanes);
  }
}

void MeanOf(const float *HWY_RESTRICT const *rows, const float *HWY_RESTRICT weights, int count,
            const float *start, float parts, int n, float *out) {
  const int lanes = int(hn::Lanes(kFloats));
  int i = 0;
  for (; i + 8 * lanes <= n; i += 8 * lanes) MeanColumns<8>(rows, weights, count, start, parts, i, out);
  for (; i + lanes <= n; i += lanes) MeanColumns<1>(rows, weights, count, start, parts, i, out);
  for (; i < n; i++) {
    float sum = 0;
    for (int r = 0; r < count; r++) sum += weights[r] * rows[r][i];
    out[i] = (sum + (start ? start[i] : 0)) / parts;
  }
}

void Scale(float *HWY_RESTRICT g, const float *HWY_RESTRICT column, float row, int n) {
  const int lanes = int(hn::Lanes(kFloats));
  const auto r = hn::Set(kFloats, row), one = hn::Set(kFloats, 1.f);
  int i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto c = hn::Mul(hn::Mul(hn::LoadU(kFloats, g + i), hn::LoadU(kFloats, column + i)), r);
    hn::StoreU(hn::Min(c, one), kFloats, g + i);
  }
  for (; i < n; i++) g[i] = std::min(g[i] * column[i] * row, 1.f);
}

int Links(const float *HWY_RESTRICT g, float above, int n, uint64_t *HWY_RESTRICT bits,
          int *HWY_RESTRICT counts) {
  const int lanes = int(hn::Lanes(kFloats));
  const auto t = hn::Set(kFloats, above);
  std::memset(bits, 0, size_t(n + 63) / 64 * 8);
  int i = 0, total = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto linked = hn::Gt(hn::LoadU(kFloats, g + i), t);
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(kFloats, linked, bytes);
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    if (!word) continue;
    total += int(hn::CountTrue(kFloats, linked));
    bits[i / 64] |= word << (i % 64);
    const auto ones = hn::VecFromMask(kInts, hn::RebindMask(kInts, linked));  // -1 where linked
    hn::StoreU(hn::Sub(hn::LoadU(kInts, counts + i), ones), kInts, counts + i);
  }
  for (; i < n; i++)
    if (g[i] > above) bits[i / 64] |= uint64_t(1) << (i % 64), counts[i]++, total++;
  return total;
}

// The greatest of the lanes' bests, ties to the lowest index, against `best` from elements behind them.
template <class V, class I>
Best Reduce(V values, I indices, Best best) {
  const int lanes = int(hn::Lanes(kFloats));
  HWY_ALIGN float v[HWY_MAX_BYTES / 4];
  HWY_ALIGN int32_t k[HWY_MAX_BYTES / 4];
  hn::Store(values, kFloats, v);
  hn::Store(indices, kInts, k);
  for (int i = 0; i < lanes; i++)
    if (v[i] > best.value || (v[i] == best.value && k[i] < best.index)) best = {v[i], k[i]};
  return best;
}

Best Argmax(const float *HWY_RESTRICT g, const float *HWY_RESTRICT factor, int n) {
  const int lanes = int(hn::Lanes(kFloats)), whole = n - n % lanes;
  Best best{n > whole ? g[whole] * factor[whole] : g[0] * factor[0], n > whole ? whole : 0};
  for (int i = whole + 1; i < n; i++)
    if (g[i] * factor[i] > best.value) best = {g[i] * factor[i], i};
  if (whole == 0) return best;
  auto index = hn::Iota(kInts, 0), at = index;
  auto top = hn::Mul(hn::LoadU(kFloats, g), hn::LoadU(kFloats, factor));
  for (int i = lanes; i < whole; i += lanes) {
    index = hn::Add(index, hn::Set(kInts, lanes));
    const auto v = hn::Mul(hn::LoadU(kFloats, g + i), hn::LoadU(kFloats, factor + i));
    const auto more = hn::Gt(v, top);
    top = hn::IfThenElse(more, v, top);
    at = hn::IfThenElse(hn::RebindMask(kInts, more), index, at);
  }
  return Reduce(top, at, best);
}

Best Outside(const float *HWY_RESTRICT g, const int *HWY_RESTRICT sets, int set, int row, int n,
             float *HWY_RESTRICT column_best, int *HWY_RESTRICT column_index) {
  Best best{-2, n};
  const int lanes = int(hn::Lanes(kFloats)), whole = n - n % lanes;
  for (int i = whole; i < n; i++) {
    if (sets[i] == set) continue;
    if (g[i] > best.value) best = {g[i], i};
    if (g[i] > column_best[i]) column_best[i] = g[i], column_index[i] = row;
  }
  const auto none = hn::Set(kFloats, -2.f);
  const auto mine = hn::Set(kInts, set), here = hn::Set(kInts, row);
  auto top = none;
  auto at = hn::Set(kInts, n), index = hn::Iota(kInts, 0);
  for (int i = 0; i < whole; i += lanes, index = hn::Add(index, hn::Set(kInts, lanes))) {
    const auto same = hn::RebindMask(kFloats, hn::Eq(hn::LoadU(kInts, sets + i), mine));
    const auto v = hn::IfThenElse(same, none, hn::LoadU(kFloats, g + i));
    const auto more = hn::Gt(v, top);
    top = hn::IfThenElse(more, v, top);
    at = hn::IfThenElse(hn::RebindMask(kInts, more), index, at);
    const auto column = hn::LoadU(kFloats, column_best + i);
    const auto raised = hn::Gt(v, column);
    if (hn::AllFalse(kFloats, raised)) continue;
    hn::StoreU(hn::IfThenElse(raised, v, column), kFloats, column_best + i);
    hn::StoreU(hn::IfThenElse(hn::RebindMask(kInts, raised), here, hn::LoadU(kInts, column_index + i)), kInts,
               column_index + i);
  }
  return whole ? Reduce(top, at, best) : best;
}

void Weigh(const uint8_t *HWY_RESTRICT in, int64_t stride, const int16_t *HWY_RESTRICT weights, int taps,
           int precision, int n, uint8_t *HWY_RESTRICT out) {
  const hn::Rebind<uint8_t, decltype(kInts)> bytes;
  const hn::Rebind<int16_t, decltype(kInts)> shorts;
  const int lanes = int(hn::Lanes(kFloats)), half = 1 << (precision - 1);
  int i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto sum = hn::Set(kInts, half);
    for (int t = 0; t < taps; t++)
      sum = hn::Add(sum, hn::Mul(hn::PromoteTo(kInts, hn::LoadU(bytes, in + t * stride + i)),
                                 hn::Set(kInts, int32_t(weights[t]))));
    sum = hn::ShiftRightSame(sum, precision);
    hn::StoreU(hn::DemoteTo(bytes, hn::DemoteTo(shorts, sum)), bytes, out + i);
  }
  for (; i < n; i++) {
    int sum = half;
    for (int t = 0; t < taps; t++) sum += weights[t] * in[t * stride + i];
    out[i] = uint8_t(std::clamp(sum >> precision, 0, 255));
  }
}

}  // namespace vtok::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::simd {
HWY_EXPORT(SumSquares);
HWY_EXPORT(MeanOf);
HWY_EXPORT(Scale);
HWY_EXPORT(Links);
HWY_EXPORT(Argmax);
HWY_EXPORT(Outside);
HWY_EXPORT(Weigh);

float sum_squares(const float *x, int n) { return HWY_DYNAMIC_DISPATCH(SumSquares)(x, n); }
void mean(const float *const *rows, const float *weights, int count, const float *start, float parts, int n,
          float *out) {
  HWY_DYNAMIC_DISPATCH(MeanOf)(rows, weights, count, start, parts, n, out);
}
void scale(float *g, const float *column, float row, int n) {
  HWY_DYNAMIC_DISPATCH(Scale)(g, column, row, n);
}
int links(const float *g, float above, int n, uint64_t *bits, int *counts) {
  return HWY_DYNAMIC_DISPATCH(Links)(g, above, n, bits, counts);
}
Best argmax(const float *g, const float *factor, int n) { return HWY_DYNAMIC_DISPATCH(Argmax)(g, factor, n); }
Best outside(const float *g, const int *sets, int set, int row, int n, float *column_best,
             int *column_index) {
  return HWY_DYNAMIC_DISPATCH(Outside)(g, sets, set, row, n, column_best, column_index);
}
void weigh(const uint8_t *in, int64_t stride, const int16_t *weights, int taps, int precision, int n,
           uint8_t *out) {
  HWY_DYNAMIC_DISPATCH(Weigh)(in, stride, weights, taps, precision, n, out);
}
}  // namespace vtok::simd
#endif
