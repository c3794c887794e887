// Float32 out of float32 and bfloat16, a vector or a number at a time; once for every target of Highway.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(VTOK_KERNELS_LOAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VTOK_KERNELS_LOAD_INL_H
#undef VTOK_KERNELS_LOAD_INL_H
#else
#define VTOK_KERNELS_LOAD_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE V load(const float *p) { return hn::LoadU(D(), p); }
HWY_INLINE V load(const uint16_t *p) {  // bfloat16 is the upper half of a float32
  const hn::RebindToUnsigned<D> wide;
  const hn::Rebind<uint16_t, D> narrow;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, p))));
}

HWY_INLINE float widen(float x) { return x; }
HWY_INLINE float widen(uint16_t x) {
  const uint32_t bits = uint32_t(x) << 16;
  float out;
  hwy::CopyBytes<4>(&bits, &out);
  return out;
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
