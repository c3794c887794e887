// Loops over one row that the fast kernels share, in the widest vectors this CPU has.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>

namespace vtok::simd {

struct Best {
  float value;
  int index;
};

float sum_squares(const float *x, int n);

/// out[i] = (start[i] + sum over r of weights[r] * rows[r][i]) / parts; start may be null (0), or out.
void mean(const float *const *rows, const float *weights, int count, const float *start, float parts, int n,
          float *out);

/// g[i] = min(1, g[i] * column[i] * row)
void scale(float *g, const float *column, float row, int n);

/// Sets bit i of bits [ceil(n / 64)] where g[i] > above, adds 1 to counts[i] there, returns how many there
/// are.
int links(const float *g, float above, int n, uint64_t *bits, int *counts);

/// The greatest g[i] * factor[i]; ties: the lowest i. n >= 1.
Best argmax(const float *g, const float *factor, int n);

/// Of the g[i] with sets[i] != set: the greatest (ties: the lowest i), -2 where there is none; and raises
/// column_best[i] to g[i], column_index[i] to `row`, where g[i] is greater.
Best outside(const float *g, const int *sets, int set, int row, int n, float *column_best, int *column_index);

/// In one pass of a resize: out[i] = clamp((2^(precision-1) + sum over t of weights[t] * in[t * stride + i])
/// >> precision)
void weigh(const uint8_t *in, int64_t stride, const int16_t *weights, int taps, int precision, int n,
           uint8_t *out);

}  // namespace vtok::simd
