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
  // Number `at` of row t of head k.
  const auto number = [&](const void *data, const void *const *blocks, int k, int t, int at) -> double {
    if (blocks) {
      data = blocks[t / a.block_rows];
      t %= a.block_rows;
    }
    const int64_t place = k * a.head_stride + t * a.row_stride + at;
    if (!a.bfloat16) return static_cast<const float *>(data)[place];
    return std::bit_cast<float>(uint32_t(static_cast<const uint16_t *>(data)[place]) << 16);
  };
  std::vector<double> weight(size_t(a.length));
  for (int i = 0; i < a.queries; i++)
    for (int h = 0; h < a.heads; h++) {
      const int k = h / (a.heads / a.kv_heads);
      const float *q = a.q + i * a.query_stride + h * a.head;
      float *out = a.out + (int64_t(i) * a.heads + h) * a.head;
      const int seen = a.causal ? a.length - a.queries + i + 1 : a.length;
      double top = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int t = 0; t < seen; t++) {
        double dot = 0;
        for (int c = 0; c < a.head; c++) dot += double(q[c]) * number(a.keys, a.key_blocks, k, t, c);
        weight[size_t(t)] = dot * a.scale;
        top = std::max(top, weight[size_t(t)]);
      }
      for (int t = 0; t < seen; t++) sum += weight[size_t(t)] = std::exp(weight[size_t(t)] - top);
      for (int c = 0; c < a.head; c++) {
        double mixed = 0;
        for (int t = 0; t < seen; t++)
          mixed += weight[size_t(t)] / sum * number(a.values, a.value_blocks, k, t, c);
        out[c] = float(mixed);
      }
    }
}

}  // namespace vtok::reference
