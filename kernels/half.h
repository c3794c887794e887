// The 16-bit floating point types to and from float32, rounding to nearest, ties to even. Host and device.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define VTOK_EVERYWHERE __host__ __device__
#else
#define VTOK_EVERYWHERE
#endif

namespace vtok {

VTOK_EVERYWHERE inline uint32_t float_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
VTOK_EVERYWHERE inline float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

VTOK_EVERYWHERE inline float from_half(uint16_t h) {
  constexpr uint32_t kInfinity = 0x7c00u;
  const uint32_t exponent = h & kInfinity;
  uint32_t u = (h & 0x7fffu) << 13;
  if (exponent == kInfinity)
    u += (255 - 31) << 23;  // infinity, NaN
  else if (exponent != 0)
    u += (127 - 15) << 23;
  else
    u = float_bits(float_of(u + ((127 - 14) << 23)) - float_of((127 - 14) << 23));  // subnormal
  return float_of(u | (h & 0x8000u) << 16);
}

VTOK_EVERYWHERE inline uint16_t to_half(float x) {
  const uint32_t sign = float_bits(x) >> 16 & 0x8000u;
  uint32_t u = float_bits(x) & 0x7fffffffu;
  constexpr uint32_t kSubnormal = (127 - 15 + 23 - 10 + 1)
                                  << 23;  // adding it rounds at half's last subnormal bit
  if (u >= 0x47800000u)
    u = u > 0x7f800000u ? 0x7e00u : 0x7c00u;
  else if (u < (127 - 14) << 23)
    u = float_bits(float_of(u) + float_of(kSubnormal)) - kSubnormal;
  else
    u = (u - ((127 - 15) << 23) + 0xfffu + (u >> 13 & 1)) >> 13;
  return uint16_t(u | sign);
}

VTOK_EVERYWHERE inline float from_bfloat16(uint16_t b) { return float_of(uint32_t(b) << 16); }

VTOK_EVERYWHERE inline uint16_t to_bfloat16(float x) {
  const uint32_t u = float_bits(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return uint16_t(u >> 16 | 0x40u);
  return uint16_t((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}

}  // namespace vtok
