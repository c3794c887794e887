// Attention: the plain reference.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference.h"

namespace vtok::reference {

void attention(const Attention &a, Stream *) {
  const auto number = [&](const void *data, int64_t at) -> double {
    if (!a.bfloat16) return static_cast<const float *>(data)[at];
    return std::bit_cast<float>(uint32_t(static_cast<const uint16_t *>(data)[at]) << 16);
  };
  std::vector<double> weight(size_t(a.length));
  for (int i = 0; i < a.queries; i++)
    for (int h = 0; h < a.heads; h++) {
      const int64_t first = h / (a.heads / a.kv_heads) * a.head_stride;
      const float *q = a.q + i * a.query_stride + h * a.head;
      float *out = a.out + (int64_t(i) * a.heads + h) * a.head;
      const int seen = a.causal ? a.length - a.queries + i + 1 : a.length;
      double top = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int t = 0; t < seen; t++) {
        double dot = 0;
        for (int c = 0; c < a.head; c++) dot += double(q[c]) * number(a.keys, first + t * a.row_stride + c);
        weight[size_t(t)] = dot * a.scale;
        top = std::max(top, weight[size_t(t)]);
      }
      for (int t = 0; t < seen; t++) sum += weight[size_t(t)] = std::exp(weight[size_t(t)] - top);
      for (int c = 0; c < a.head; c++) {
        double mixed = 0;
        for (int t = 0; t < seen; t++)
          mixed += weight[size_t(t)] / sum * number(a.values, first + t * a.row_stride + c);
        out[c] = float(mixed);
      }
    }
}

}  // namespace vtok::reference
