// A matrix times a few rows, and its weights in fewer bits: the plain reference.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/half.h"
#include "kernels/reference.h"

namespace vtok::reference {
namespace {

constexpr float kLeast = 1e-30f;  // a scale below it is 0: its inverse is no float32

float number(const void *data, Weight type, size_t at) {
  if (type == Weight::kFloat32) return static_cast<const float *>(data)[at];
  return from_bfloat16(static_cast<const uint16_t *>(data)[at]);
}

/// Column `column` of a row of kInt8 or kInt4.
int narrow_weight(const MatVec &a, int row, int column) {
  const size_t at = size_t(row) * a.columns + column;
  const auto *bytes = static_cast<const uint8_t *>(a.weights);
  if (a.type == Weight::kInt8) return int8_t(bytes[at]);
  const int place = column % kScaled, half = kScaled / 2;
  return (bytes[(at - place) / 2 + place % half] >> (place < half ? 0 : 4) & 15) - 8;
}

/// The sum over 64 columns, from `column` on.
double narrow_product(const MatVec &a, int row, int column, const float *x) {
  float most = 0;
  for (int c = 0; c < kScaled; c++)
    if (float_bits(std::abs(x[column + c])) > float_bits(most)) most = std::abs(x[column + c]);
  const Scale of_x = scale_of(most);
  double sum = 0;
  for (int c = 0; c < kScaled && of_x.inverse != 0; c++)
    sum += std::nearbyint(x[column + c] * of_x.inverse) * narrow_weight(a, row, column + c);
  return sum * of_x.scale * from_bfloat16(a.scales[(size_t(row) * a.columns + column) / kScaled]);
}

void narrow(const float *w, Weight to, uint8_t *out, uint16_t &stored) {
  float most = 0;
  for (int i = 0; i < kScaled; i++)
    if (std::abs(w[i]) > std::abs(most)) most = w[i];
  const bool four = to == Weight::kInt4;
  const float inverse = weight_scale(most, to, stored);
  const auto q = [&](int i) { return int(std::nearbyint(w[i] * inverse)); };
  const auto half = [&](int i) { return std::clamp(q(i), -8, 7) + 8; };
  if (four)
    for (int i = 0; i < kScaled / 2; i++) out[i] = uint8_t(half(i) | half(i + kScaled / 2) << 4);
  else
    for (int i = 0; i < kScaled; i++) out[i] = uint8_t(std::clamp(q(i), -127, 127));
}

}  // namespace

float weight_scale(float most, Weight to, uint16_t &scale) {
  const float wanted = to == Weight::kInt4 ? most / -8 : std::abs(most) / 127;
  scale = std::abs(wanted) < kLeast ? uint16_t(0) : to_bfloat16(wanted);
  return scale ? 1 / from_bfloat16(scale) : 0;
}

void quantize(const Quantize &a, Stream *) {
  for (size_t group = 0; group < size_t(a.rows) * a.columns / kScaled; group++) {
    float w[kScaled];
    for (int i = 0; i < kScaled; i++) w[i] = number(a.weights, a.from, group * kScaled + i);
    narrow(w, a.to, a.out + group * kScaled / (a.to == Weight::kInt4 ? 2 : 1), a.scales[group]);
  }
}

Scale scale_of(float most) {
  if (!std::isfinite(most)) return {std::numeric_limits<float>::quiet_NaN(), 0};
  const float scale = most / 32767;
  return scale < kLeast ? Scale{0, 0} : Scale{scale, 1 / scale};
}

void matvec(const MatVec &a, Stream *) {
  for (int i = 0; i < a.n; i++)
    for (int r = 0; r < a.rows; r++) {
      double sum = a.bias ? a.bias[r] : 0;
      const float *x = a.x + size_t(i) * a.columns;
      const bool narrow = a.type == Weight::kInt8 || a.type == Weight::kInt4;
      for (int c = 0; c < a.columns; c += narrow ? kScaled : 1)
        sum += narrow ? narrow_product(a, r, c, x) : double(number(a.weights, a.type, size_t(r) * a.columns + c)) * x[c];
      a.out[size_t(i) * a.rows + r] = float(sum);
    }
}

}  // namespace vtok::reference
