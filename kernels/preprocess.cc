// Resize of bytes in two passes, then normalisation to planes of floats.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "kernels/reference.h"

namespace vtok::reference {
namespace {

uint8_t round_shift(int64_t sum, int precision) {
  return uint8_t(std::clamp<int64_t>((sum + (int64_t(1) << (precision - 1))) >> precision, 0, 255));
}

}  // namespace

void preprocess(const Preprocess &a, Stream *) {
  const FilterView &across = a.across, &down = a.down;
  const int width = across.out, height = down.out, line = width * 3;
  std::vector<uint8_t> narrow(size_t(down.in) * line);  // [down.in, width, 3]
  for (int y = 0; y < down.in; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        const uint8_t *in = a.rgb + y * a.stride + c;
        uint8_t &out = narrow[size_t(y) * line + x * 3 + c];
        if (across.taps == 0) {
          out = in[x * 3];
          continue;
        }
        int64_t sum = 0;
        for (int t = 0; t < across.taps; t++)
          sum += across.weights[x * across.taps + t] * in[(across.first[x] + t) * 3];
        out = round_shift(sum, across.precision);
      }
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        const uint8_t *in = narrow.data() + x * 3 + c;
        uint8_t byte;
        if (down.taps == 0) {
          byte = in[size_t(y) * line];
        } else {
          int64_t sum = 0;
          for (int t = 0; t < down.taps; t++)
            sum += down.weights[y * down.taps + t] * in[size_t(down.first[y] + t) * line];
          byte = round_shift(sum, down.precision);
        }
        a.out[(size_t(c) * height + y) * width + x] = (float(byte) - a.mean[c]) / a.deviation[c];
      }
}

}  // namespace vtok::reference
