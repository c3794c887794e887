// Resize of bytes and normalisation, fast: bands of output rows shared out between threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "kernels/fast.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {
namespace {

// Rows [first, last) of the picture, resized across -> out [last - first, across.out, 3].
void narrow(const Preprocess &a, int first, int last, uint8_t *out) {
  const FilterView &f = a.across;
  for (int y = first; y < last; y++) {
    const uint8_t *row = a.rgb + y * a.stride;
    for (int x = 0; x < f.out; x++, out += 3) {
      const uint8_t *in = row + (f.taps ? f.first[x] : x) * 3;
      if (f.taps == 0) {
        std::copy_n(in, 3, out);
        continue;
      }
      const int16_t *w = f.weights + x * f.taps;
      int red = 1 << (f.precision - 1), green = red, blue = red;
      for (int t = 0; t < f.taps; t++, in += 3)
        red += w[t] * in[0], green += w[t] * in[1], blue += w[t] * in[2];
      out[0] = uint8_t(std::clamp(red >> f.precision, 0, 255));
      out[1] = uint8_t(std::clamp(green >> f.precision, 0, 255));
      out[2] = uint8_t(std::clamp(blue >> f.precision, 0, 255));
    }
  }
}

}  // namespace

void preprocess(const Preprocess &a, Stream *) {
  const FilterView &down = a.down;
  const int width = a.across.out, line = width * 3;
  float levels[3][256];  // what each byte becomes
  for (int c = 0; c < 3; c++)
    for (int v = 0; v < 256; v++) levels[c][v] = (float(v) - a.mean[c]) / a.deviation[c];
  const int bands = std::min(down.out, threads());
  parallel_for(bands, [&](int band) {
    const int begin = int(int64_t(band) * down.out / bands), end = int(int64_t(band + 1) * down.out / bands);
    const int first = down.taps ? down.first[begin] : begin;
    const int last = down.taps ? down.first[end - 1] + down.taps : end;
    std::vector<uint8_t> rows(size_t(last - first) * size_t(line)), resized(static_cast<size_t>(line));
    narrow(a, first, last, rows.data());
    for (int y = begin; y < end; y++) {
      const uint8_t *bytes = rows.data() + size_t((down.taps ? down.first[y] : y) - first) * size_t(line);
      if (down.taps) {
        simd::weigh(bytes, line, down.weights + y * down.taps, down.taps, down.precision, line,
                    resized.data());
        bytes = resized.data();
      }
      for (int c = 0; c < 3; c++) {
        float *out = a.out + (size_t(c) * size_t(down.out) + size_t(y)) * size_t(width);
        for (int x = 0; x < width; x++) out[x] = levels[c][bytes[x * 3 + c]];
      }
    }
  });
}

}  // namespace vtok::fast
