// Weights in fewer bits, in SIMD on every thread.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "kernels/fast.h"
#include "kernels/reference.h"
#include "kernels/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize_fast.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Needs the lines above.
#include "kernels/load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {

using Floats = hn::CappedTag<float, kScaled / 2>;
using Ints = hn::RebindToSigned<Floats>;

/// Of 64 numbers the first of those furthest from 0.
float Greatest(const float *w) {
  const Floats d;
  const int lanes = int(hn::Lanes(d));
  auto most = hn::Zero(d);
  for (int i = 0; i < kScaled; i += lanes) most = hn::Max(most, hn::Abs(hn::Load(d, w + i)));
  most = hn::MaxOfLanes(d, most);
  for (int i = 0; i < kScaled; i += lanes)
    if (const intptr_t at = hn::FindFirstTrue(d, hn::Eq(hn::Abs(hn::Load(d, w + i)), most)); at >= 0) return w[i + at];
  return 0;
}

/// Whole numbers from w[i] on, between `low` and `high`.
HWY_INLINE hn::Vec<Ints> Whole(const float *w, float inverse, int low, int high) {
  const Floats d;
  const Ints ints;
  const auto q = hn::NearestInt(hn::Mul(hn::Load(d, w), hn::Set(d, inverse)));
  return hn::Min(hn::Max(q, hn::Set(ints, low)), hn::Set(ints, high));
}

/// 64 weights.
template <class T>
void Group(const T *from, Weight to, uint8_t *out, uint16_t *scale) {
  const Ints ints;
  const int lanes = int(hn::Lanes(ints));
  HWY_ALIGN float w[kScaled];
  for (int i = 0; i < kScaled; i++) w[i] = widen(from[i]);
  const float inverse = reference::weight_scale(Greatest(w), to, *scale);
  if (to == Weight::kInt8) {
    const hn::Rebind<int8_t, Floats> bytes;
    for (int i = 0; i < kScaled; i += lanes)
      hn::StoreU(hn::DemoteTo(bytes, Whole(w + i, inverse, -127, 127)), bytes, reinterpret_cast<int8_t *>(out) + i);
    return;
  }
  const hn::Rebind<uint8_t, Floats> bytes;
  const auto eight = hn::Set(ints, 8);
  for (int i = 0; i < kScaled / 2; i += lanes) {
    const auto low = hn::Add(Whole(w + i, inverse, -8, 7), eight);
    const auto high = hn::Add(Whole(w + kScaled / 2 + i, inverse, -8, 7), eight);
    hn::StoreU(hn::DemoteTo(bytes, hn::Or(low, hn::ShiftLeft<4>(high))), bytes, out + i);
  }
}

/// 64 weights each from group `begin` on.
void Groups(const Quantize &a, size_t begin, size_t end) {
  for (size_t g = begin; g < end; g++) {
    uint8_t *out = a.out + g * kScaled / (a.to == Weight::kInt4 ? 2 : 1);
    if (a.from == Weight::kFloat32)
      Group(static_cast<const float *>(a.weights) + g * kScaled, a.to, out, a.scales + g);
    else
      Group(static_cast<const uint16_t *>(a.weights) + g * kScaled, a.to, out, a.scales + g);
  }
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(Groups);

void quantize(const Quantize &a, Stream *) {
  constexpr size_t kTask = 4096;  // groups
  const size_t groups = size_t(a.rows) * a.columns / kScaled;
  parallel_for(int((groups + kTask - 1) / kTask),
               [&](int i) { HWY_DYNAMIC_DISPATCH(Groups)(a, i * kTask, std::min(groups, (i + 1) * kTask)); });
}

}  // namespace vtok::fast
#endif
