// Differences and histograms of small luma pictures.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>

#include "kernels/reference.h"

namespace vtok::reference {

void change(const Change &a, Stream *) {
  for (int r = 0; r < a.rows; r++)
    for (int c = 0; c < a.columns; c++) {
      const int top = int(int64_t(r) * a.height / a.rows), bottom = int(int64_t(r + 1) * a.height / a.rows);
      const int left = int(int64_t(c) * a.width / a.columns),
                right = int(int64_t(c + 1) * a.width / a.columns);
      int64_t sum = 0;
      for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) sum += std::abs(a.a[y * a.stride_a + x] - a.b[y * a.stride_b + x]);
      a.out[r * a.columns + c] = float(double(sum) / (255. * (bottom - top) * (right - left)));
    }
}

void histogram(const Histogram &a, Stream *) {
  for (int i = 0; i < a.bins; i++) a.out[i] = 0;
  for (int y = 0; y < a.height; y++)
    for (int x = 0; x < a.width; x++) a.out[a.luma[y * a.stride + x] * a.bins / 256]++;
}

}  // namespace vtok::reference
