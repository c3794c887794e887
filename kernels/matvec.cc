// A matrix times a few rows, and its weights in fewer bits: the plain reference.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

#include "kernels/reference.h"

namespace vtok::reference {
namespace {

float number(const void *data, Weight type, size_t at) {
  if (type == Weight::kFloat32) return static_cast<const float *>(data)[at];
  return std::bit_cast<float>(uint32_t(static_cast<const uint16_t *>(data)[at]) << 16);
}

double weight(const MatVec &a, int row, int column) {
  const size_t at = size_t(row) * a.columns + column;
  const auto *bytes = static_cast<const uint8_t *>(a.weights);
  const auto scaled = [&](int q) { return double(a.scales[at / kScaled]) * q; };
  switch (a.type) {
    case Weight::kInt8:
      return scaled(int8_t(bytes[at]));
    case Weight::kInt4: {
      const int place = column % kScaled, half = kScaled / 2;
      return scaled((bytes[(at - place) / 2 + place % half] >> (place < half ? 0 : 4) & 15) - 8);
    }
    default:
      return number(a.weights, a.type, at);
  }
}

void narrow(const float *w, Weight to, uint8_t *out, float &scale) {
  float most = 0;
  for (int i = 0; i < kScaled; i++)
    if (std::abs(w[i]) > std::abs(most)) most = w[i];
  const bool four = to == Weight::kInt4;
  scale = four ? most / -8 : std::abs(most) / 127;
  const float inverse = scale != 0 ? 1 / scale : 0;
  const auto q = [&](int i) { return int(std::nearbyint(w[i] * inverse)); };
  const auto half = [&](int i) { return std::clamp(q(i), -8, 7) + 8; };
  if (four)
    for (int i = 0; i < kScaled / 2; i++) out[i] = uint8_t(half(i) | half(i + kScaled / 2) << 4);
  else
    for (int i = 0; i < kScaled; i++) out[i] = uint8_t(std::clamp(q(i), -127, 127));
}

}  // namespace

void quantize(const Quantize &a, Stream *) {
  for (size_t group = 0; group < size_t(a.rows) * a.columns / kScaled; group++) {
    float w[kScaled];
    for (int i = 0; i < kScaled; i++) w[i] = number(a.weights, a.from, group * kScaled + i);
    narrow(w, a.to, a.out + group * kScaled / (a.to == Weight::kInt4 ? 2 : 1), a.scales[group]);
  }
}

void matvec(const MatVec &a, Stream *) {
  for (int i = 0; i < a.n; i++)
    for (int r = 0; r < a.rows; r++) {
      double sum = a.bias ? a.bias[r] : 0;
      for (int c = 0; c < a.columns; c++) sum += weight(a, r, c) * a.x[size_t(i) * a.columns + c];
      a.out[size_t(i) * a.rows + r] = float(sum);
    }
}

}  // namespace vtok::reference
