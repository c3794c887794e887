// A matrix in fewer bits times a few rows, in SIMD on every thread: products of whole numbers, 64 columns between two scales.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "kernels/fast.h"
#include "kernels/reference.h"
#include "kernels/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec_narrow.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Needs the lines above.
#include <hwy/cache_control.h>

#include "kernels/load-inl.h"

#ifndef VTOK_KERNELS_MATVEC_NARROW
#define VTOK_KERNELS_MATVEC_NARROW
namespace vtok::fast {

constexpr int kFactors = 512;  // scales multiplied at a time, or a row's
constexpr int kAhead = 4096;   // bytes: so much sooner than it is needed is the memory asked for something

/// Rows of x in 16 bits (reference::scale_of).
struct Rounded {
  std::vector<int16_t> q;     // [n, columns]
  std::vector<float> scales;  // [n, tile, columns / 64]: the same for each row of a tile
  int tile;                   // rows of weights
};

}  // namespace vtok::fast
#endif

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {

using Shorts = hn::CappedTag<int16_t, kScaled / 2>;  // either half of 64 columns is a whole number of vectors
using Ints = hn::RepartitionToWide<Shorts>;
using Floats = hn::RebindToFloat<Ints>;

/// One row of x.
void Round(const float *x, int columns, int16_t *q, float *scales) {
  const Floats d;
  const Ints ints;
  const hn::Rebind<int16_t, Floats> shorts;
  const int lanes = int(hn::Lanes(d));
  for (int g = 0; g < columns / kScaled; g++, x += kScaled, q += kScaled) {
    auto most = hn::Zero(ints);  // as bits, whose order is the numbers'
    for (int i = 0; i < kScaled; i += lanes) most = hn::Max(most, hn::BitCast(ints, hn::Abs(hn::LoadU(d, x + i))));
    const int32_t bits = hn::GetLane(hn::MaxOfLanes(ints, most));
    float greatest;
    hwy::CopyBytes<4>(&bits, &greatest);
    const auto [scale, inverse] = reference::scale_of(greatest);
    scales[g] = scale;
    const auto by = hn::Set(d, inverse);
    for (int i = 0; i < kScaled; i += lanes) {
      const auto whole = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), by));
      hn::StoreU(hn::DemoteTo(shorts, whole), shorts, q + i);
    }
  }
}

/// Weights i.. and 32 + i.. of 64.
template <Weight kType>
HWY_INLINE void Halves(const uint8_t *w, int i, hn::Vec<Shorts> &low, hn::Vec<Shorts> &high) {
  const Shorts d;
  if constexpr (kType == Weight::kInt8) {
    const hn::Rebind<int8_t, Shorts> bytes;
    const int8_t *from = reinterpret_cast<const int8_t *>(w) + i;
    low = hn::PromoteTo(d, hn::LoadU(bytes, from));
    high = hn::PromoteTo(d, hn::LoadU(bytes, from + kScaled / 2));
  } else {
    const hn::Rebind<uint8_t, Shorts> bytes;
    const auto pairs = hn::PromoteTo(d, hn::LoadU(bytes, w + i)), eight = hn::Set(d, 8);
    low = hn::Sub(hn::And(pairs, hn::Set(d, 15)), eight);
    high = hn::Sub(hn::ShiftRight<4>(pairs), eight);
  }
}

/// out = scales * x, scales bfloat16.
void Multiply(const uint16_t *scales, const float *x, int n, float *out) {
  const int lanes = int(hn::Lanes(D()));
  int i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(load(scales + i), load(x + i)), D(), out + i);
  for (; i < n; i++) out[i] = widen(scales[i]) * x[i];
}

/// Row r of the weights times N rows of x from row i on: one row at a time, since the memory is fastest read in order. A row of x
/// goes through the same sums in the same order whatever N is. `factors` [N, stride]: of these 64 columns, of weights times those
/// of x.
template <int N, Weight kType>
void Products(const MatVec &a, const Rounded &x, int r, int i, const float *factors, size_t stride) {
  const Shorts d;
  const Ints ints;
  const Floats floats;
  const int lanes = int(hn::Lanes(d)), groups = a.columns / kScaled;
  constexpr int kBytes = kType == Weight::kInt8 ? kScaled : kScaled / 2;
  const uint8_t *w = static_cast<const uint8_t *>(a.weights) + size_t(r) * groups * kBytes;
  const int16_t *q = x.q.data() + size_t(i) * a.columns;
  hn::Vec<Floats> sums[N];
  for (auto &sum : sums) sum = hn::Zero(floats);
  for (int g = 0; g < groups; g++, w += kBytes, q += kScaled) {
    hwy::Prefetch(w + kAhead);
    hn::Vec<Ints> own[N], more[N];  // an instruction set may add up the columns in two
    for (int k = 0; k < N; k++) own[k] = more[k] = hn::Zero(ints);
    for (int c = 0; c < kScaled / 2; c += lanes) {
      hn::Vec<Shorts> low, high;
      Halves<kType>(w, c, low, high);
      for (int k = 0; k < N; k++) {
        const int16_t *from = q + size_t(k) * a.columns + c;
        own[k] = hn::ReorderWidenMulAccumulate(ints, low, hn::LoadU(d, from), own[k], more[k]);
        own[k] = hn::ReorderWidenMulAccumulate(ints, high, hn::LoadU(d, from + kScaled / 2), own[k], more[k]);
      }
    }
    for (int k = 0; k < N; k++)
      sums[k] = hn::MulAdd(hn::ConvertTo(floats, hn::Add(own[k], more[k])), hn::Set(floats, factors[k * stride + g]), sums[k]);
  }
  for (int k = 0; k < N; k++)
    a.out[size_t(i + k) * a.rows + r] = hn::GetLane(hn::SumOfLanes(floats, sums[k])) + (a.bias ? a.bias[r] : 0.f);
}

template <int N, Weight kType>
void Tile(const MatVec &a, const Rounded &x, int r, int to, int i, float *factors) {
  const size_t groups = size_t(a.columns / kScaled), stride = size_t(x.tile) * groups;
  for (int k = 0; k < N; k++)
    Multiply(a.scales + r * groups, x.scales.data() + (i + k) * stride, int((to - r) * groups), factors + k * stride);
  for (; r < to; r++, factors += groups) Products<N, kType>(a, x, r, i, factors, stride);
}

template <Weight kType>
void Typed(const MatVec &a, const Rounded &x, int from, int to) {
  std::vector<float> factors(size_t(4) * x.tile * (a.columns / kScaled));
  for (int r = from; r < to; r += x.tile)
    for (int i = 0; i < a.n;) {
      const int left = a.n - i, taken = left >= 4 ? 4 : left >= 2 ? 2 : 1;
      const auto some = taken == 4 ? Tile<4, kType> : taken == 2 ? Tile<2, kType> : Tile<1, kType>;
      some(a, x, r, std::min(r + x.tile, to), i, factors.data());
      i += taken;
    }
}

void NarrowRows(const MatVec &a, const Rounded &x, int from, int to) {
  a.type == Weight::kInt8 ? Typed<Weight::kInt8>(a, x, from, to) : Typed<Weight::kInt4>(a, x, from, to);
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(Round);
HWY_EXPORT(NarrowRows);

void matvec_narrow(const MatVec &a, int parts) {
  const size_t groups = size_t(a.columns / kScaled);
  thread_local Rounded x;
  x.tile = std::max(1, int(kFactors / std::max<size_t>(groups, 1)));
  x.q.resize(std::max(x.q.size(), size_t(a.n) * a.columns));
  x.scales.resize(std::max(x.scales.size(), a.n * x.tile * groups));
  for (int i = 0; i < a.n; i++) {
    const size_t at = size_t(i) * a.columns;
    float *scales = x.scales.data() + i * x.tile * groups;
    HWY_DYNAMIC_DISPATCH(Round)(a.x + at, a.columns, x.q.data() + at, scales);
    for (int copy = 1; copy < x.tile; copy++) std::copy_n(scales, groups, scales + copy * groups);
  }
  const Rounded &rounded = x;  // of this thread, whichever runs the tasks
  parallel_for(parts, [&](int i) {
    HWY_DYNAMIC_DISPATCH(NarrowRows)
    (a, rounded, int(int64_t(a.rows) * i / parts), int(int64_t(a.rows) * (i + 1) / parts));
  });
}

}  // namespace vtok::fast
#endif
