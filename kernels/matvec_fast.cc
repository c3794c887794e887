// One row times a matrix, and one row's attention over a cache, in SIMD on every thread. Both read their
// large operand once, in order, so that the memory's bandwidth is the bound. SPDX-License-Identifier:
// LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <vector>

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
void add_scaled(const T *row, float scale, float *out, int n) {
  const D d;
  const int lanes = int(hn::Lanes(d));
  int i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::MulAdd(load(row + i), hn::Set(d, scale), load(out + i)), d, out + i);
  for (; i < n; i++) out[i] += widen(row[i]) * scale;
}

template <class T>
void rows(const MatVec &a, int from, int to) {
  const T *w = static_cast<const T *>(a.weights);
  for (int r = from; r < to; r++)
    a.out[r] = dot(w + size_t(r) * a.columns, a.x, a.columns) + (a.bias ? a.bias[r] : 0.f);
}

/// One head; `weight` [length] is scratch.
template <class T>
void head(const Attend &a, int h, float *weight) {
  const size_t first = size_t(h / (a.heads / a.kv_heads)) * a.stride * a.head;
  const T *keys = static_cast<const T *>(a.keys) + first, *values = static_cast<const T *>(a.values) + first;
  float top = -INFINITY, sum = 0;
  for (int t = 0; t < a.length; t++) {
    weight[t] = dot(keys + size_t(t) * a.head, a.q + h * a.head, a.head) * a.scale;
    top = std::max(top, weight[t]);
  }
  for (int t = 0; t < a.length; t++) sum += weight[t] = std::exp(weight[t] - top);
  float *out = a.out + h * a.head;
  std::fill_n(out, a.head, 0.f);
  for (int t = 0; t < a.length; t++) add_scaled(values + size_t(t) * a.head, weight[t] / sum, out, a.head);
}

void rows_of(const MatVec &a, int from, int to) {
  a.bfloat16 ? rows<uint16_t>(a, from, to) : rows<float>(a, from, to);
}
void head_of(const Attend &a, int h, float *weight) {
  a.bfloat16 ? head<uint16_t>(a, h, weight) : head<float>(a, h, weight);
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(rows_of);
HWY_EXPORT(head_of);

void matvec(const MatVec &a, Stream *) {
  constexpr int64_t kLeast = 1 << 16;  // weights a thread should have to be worth waking
  const int64_t all = int64_t(a.rows) * a.columns;
  const int parts = int(std::clamp<int64_t>(all / kLeast, 1, std::min(threads(), std::max(1, a.rows))));
  parallel_for(parts, [&](int i) {
    HWY_DYNAMIC_DISPATCH(rows_of)
    (a, int(int64_t(a.rows) * i / parts), int(int64_t(a.rows) * (i + 1) / parts));
  });
}

void attend(const Attend &a, Stream *) {
  const int parts = int64_t(a.length) * a.head * a.heads < (1 << 16) ? 1 : std::min(threads(), a.heads);
  parallel_for(parts, [&](int i) {
    std::vector<float> weight(static_cast<size_t>(a.length));
    for (int h = a.heads * i / parts; h < a.heads * (i + 1) / parts; h++)
      HWY_DYNAMIC_DISPATCH(head_of)(a, h, weight.data());
  });
}

}  // namespace vtok::fast
#endif
