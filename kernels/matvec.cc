// One row times a matrix, and one row's attention over a cache: the plain reference.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference.h"

namespace vtok::reference {
namespace {

float number(const void *data, bool bfloat16, size_t at) {
  if (!bfloat16) return static_cast<const float *>(data)[at];
  return std::bit_cast<float>(uint32_t(static_cast<const uint16_t *>(data)[at]) << 16);
}

}  // namespace

void matvec(const MatVec &a, Stream *) {
  for (int r = 0; r < a.rows; r++) {
    double sum = a.bias ? a.bias[r] : 0;
    for (int c = 0; c < a.columns; c++)
      sum += double(number(a.weights, a.bfloat16, size_t(r) * a.columns + c)) * a.x[c];
    a.out[r] = float(sum);
  }
}

void attend(const Attend &a, Stream *) {
  std::vector<double> weight(static_cast<size_t>(a.length));
  for (int h = 0; h < a.heads; h++) {
    const size_t first = size_t(h / (a.heads / a.kv_heads)) * a.stride;  // row of the head's keys and values
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int t = 0; t < a.length; t++) {
      double dot = 0;
      for (int i = 0; i < a.head; i++)
        dot += double(a.q[h * a.head + i]) * number(a.keys, a.bfloat16, (first + t) * a.head + i);
      weight[t] = dot * a.scale;
      top = std::max(top, weight[t]);
    }
    for (double &w : weight) sum += w = std::exp(w - top);
    for (int i = 0; i < a.head; i++) {
      double mixed = 0;
      for (int t = 0; t < a.length; t++)
        mixed += weight[t] / sum * number(a.values, a.bfloat16, (first + t) * a.head + i);
      a.out[h * a.head + i] = float(mixed);
    }
  }
}

}  // namespace vtok::reference
