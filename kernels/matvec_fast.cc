// A matrix times one row, in SIMD on every thread: weights are read once, so the memory is the bound.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "kernels/fast.h"
#include "kernels/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec_fast.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

V load(const float *p) { return hn::LoadU(D(), p); }
V load(const uint16_t *p) {  // bfloat16 is the upper half of a float32
  const hn::RebindToUnsigned<D> u32;
  const hn::Rebind<uint16_t, D> u16;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(u32, hn::LoadU(u16, p))));
}
float widen(float x) { return x; }
float widen(uint16_t x) {
  const uint32_t bits = uint32_t(x) << 16;
  float out;
  hwy::CopyBytes<4>(&bits, &out);
  return out;
}

template <class T>
float dot(const T *w, const float *x, int n) {
  const D d;
  const int lanes = int(hn::Lanes(d));
  V a = hn::Zero(d), b = a, c = a, e = a;
  int i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::MulAdd(load(w + i), load(x + i), a);
    b = hn::MulAdd(load(w + i + lanes), load(x + i + lanes), b);
    c = hn::MulAdd(load(w + i + 2 * lanes), load(x + i + 2 * lanes), c);
    e = hn::MulAdd(load(w + i + 3 * lanes), load(x + i + 3 * lanes), e);
  }
  for (; i + lanes <= n; i += lanes) a = hn::MulAdd(load(w + i), load(x + i), a);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < n; i++) sum += widen(w[i]) * x[i];
  return sum;
}

template <class T>
void rows(const MatVec &a, int from, int to) {
  const T *w = static_cast<const T *>(a.weights);
  for (int r = from; r < to; r++)
    a.out[r] = dot(w + size_t(r) * a.columns, a.x, a.columns) + (a.bias ? a.bias[r] : 0.f);
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
  const int64_t all = int64_t(a.rows) * a.columns;
  const int parts = int(std::clamp<int64_t>(all / kLeast, 1, std::min(threads(), std::max(1, a.rows))));
  parallel_for(parts, [&](int i) {
    HWY_DYNAMIC_DISPATCH(rows_of)
    (a, int(int64_t(a.rows) * i / parts), int(int64_t(a.rows) * (i + 1) / parts));
  });
}

}  // namespace vtok::fast
#endif
