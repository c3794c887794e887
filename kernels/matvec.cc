// A matrix times a few rows: the plain reference.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <bit>
#include <cstddef>

#include "kernels/reference.h"

namespace vtok::reference {
namespace {

float number(const void *data, bool bfloat16, size_t at) {
  if (!bfloat16) return static_cast<const float *>(data)[at];
  return std::bit_cast<float>(uint32_t(static_cast<const uint16_t *>(data)[at]) << 16);
}

}  // namespace

void matvec(const MatVec &a, Stream *) {
  for (int i = 0; i < a.n; i++)
    for (int r = 0; r < a.rows; r++) {
      double sum = a.bias ? a.bias[r] : 0;
      for (int c = 0; c < a.columns; c++)
        sum += double(number(a.weights, a.bfloat16, size_t(r) * a.columns + c)) * a.x[size_t(i) * a.columns + c];
      a.out[size_t(i) * a.rows + r] = float(sum);
    }
}

}  // namespace vtok::reference
