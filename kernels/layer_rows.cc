// Two loops over a row that every layer of a transformer makes, compiled for every vector width, chosen when first called.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/layer_rows.h"

#include <cmath>

#include "kernels/half.h"
#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layer_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Needs the lines above.
#include "kernels/load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {

HWY_INLINE void Store(V x, float *out) { hn::StoreU(x, D(), out); }
HWY_INLINE void Store(V x, uint16_t *out) {
  const hn::RebindToUnsigned<D> wide;
  const hn::Rebind<uint16_t, D> narrow;
  const auto bits = hn::BitCast(wide, x), odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(wide, 1));
  hn::StoreU(hn::TruncateTo(narrow, hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(wide, 0x7fff))))), narrow, out);
}
HWY_INLINE void StoreOne(float x, float *out) { *out = x; }
HWY_INLINE void StoreOne(float x, uint16_t *out) { *out = to_bfloat16(x); }

template <class T>
void Normalize(const float *x, const float *weight, int n, float by, T *out) {
  const int lanes = int(hn::Lanes(D()));
  const V factor = hn::Set(D(), by);
  int i = 0;
  for (; i + lanes <= n; i += lanes) Store(hn::Mul(hn::Mul(load(x + i), factor), load(weight + i)), out + i);
  for (; i < n; i++) StoreOne(x[i] * by * weight[i], out + i);
}
void NormalizeWide(const float *x, const float *weight, int n, float by, float *out) { Normalize(x, weight, n, by, out); }
void NormalizeNarrow(const float *x, const float *weight, int n, float by, uint16_t *out) { Normalize(x, weight, n, by, out); }

template <class T>
void Turn(const T *x, const float *cos, const float *sin, int half, float *out) {
  const int lanes = int(hn::Lanes(D()));
  int i = 0;
  for (; i + lanes <= half; i += lanes) {
    const V a = load(x + i), b = load(x + half + i), c = load(cos + i), s = load(sin + i);
    Store(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), out + i);
    Store(hn::Add(hn::Mul(b, c), hn::Mul(a, s)), out + half + i);
  }
  for (; i < half; i++) {
    const float a = widen(x[i]), b = widen(x[half + i]);
    out[i] = a * cos[i] - b * sin[i];
    out[half + i] = b * cos[i] + a * sin[i];
  }
}
void TurnWide(const float *x, const float *cos, const float *sin, int half, float *out) { Turn(x, cos, sin, half, out); }
void TurnNarrow(const uint16_t *x, const float *cos, const float *sin, int half, float *out) { Turn(x, cos, sin, half, out); }

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(NormalizeWide);
HWY_EXPORT(NormalizeNarrow);
HWY_EXPORT(TurnWide);
HWY_EXPORT(TurnNarrow);
}  // namespace vtok::fast

namespace vtok::simd {
static float inverse_root(const float *x, int n, float epsilon) { return 1 / std::sqrt(sum_squares(x, n) / float(n) + epsilon); }

void normalize(const float *x, const float *weight, int n, float epsilon, float *out) {
  using namespace fast;
  HWY_DYNAMIC_DISPATCH(NormalizeWide)(x, weight, n, inverse_root(x, n, epsilon), out);
}
void normalize(const float *x, const float *weight, int n, float epsilon, uint16_t *out) {
  using namespace fast;
  HWY_DYNAMIC_DISPATCH(NormalizeNarrow)(x, weight, n, inverse_root(x, n, epsilon), out);
}
void turn(const float *x, const float *cos, const float *sin, int half, float *out) {
  using namespace fast;
  HWY_DYNAMIC_DISPATCH(TurnWide)(x, cos, sin, half, out);
}
void turn(const uint16_t *x, const float *cos, const float *sin, int half, float *out) {
  using namespace fast;
  HWY_DYNAMIC_DISPATCH(TurnNarrow)(x, cos, sin, half, out);
}
}  // namespace vtok::simd
#endif
