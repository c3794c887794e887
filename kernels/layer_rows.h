// Two loops over a row that every layer of a transformer makes, in the widest vectors this CPU has: each in one pass.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>

namespace vtok::simd {

/// out[i] = x[i] / sqrt(mean of all x[i]^2 + epsilon) * weight[i], as float32 or bfloat16 (to nearest even; no NaN). out may be x.
void normalize(const float *x, const float *weight, int n, float epsilon, float *out);
void normalize(const float *x, const float *weight, int n, float epsilon, uint16_t *out);

/// Pair i, x[i] and x[half + i], turned by the angle whose cosine and sine are cos[i] and sin[i]; x float32 or bfloat16, and no part
/// of out.
void turn(const float *x, const float *cos, const float *sin, int half, float *out);
void turn(const uint16_t *x, const float *cos, const float *sin, int half, float *out);

}  // namespace vtok::simd
