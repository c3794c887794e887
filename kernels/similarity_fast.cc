// Lengths of rows and the cosines of all pairs, fast.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>

#include "kernels/cosines.h"
#include "kernels/fast.h"
#include "kernels/reference.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {

void norms(const Norms &a, Stream *) {
  constexpr int kRows = 256;  // of a task
  parallel_for((a.n + kRows - 1) / kRows, [&](int task) {
    for (int i = task * kRows; i < std::min(a.n, (task + 1) * kRows); i++) {
      const float sum = simd::sum_squares(a.x + size_t(i) * a.d, a.d);
      if (sum > 1e-24f && sum < 1e36f)
        a.out[i] = std::sqrt(sum);
      else
        reference::norms({.x = a.x + size_t(i) * a.d, .n = 1, .d = a.d, .out = a.out + i}, nullptr);
    }
  });
}

void similarity(const Similarity &a, Stream *) {
  const Cosines cosines(a.x, a.norms, a.n, a.d);
  const size_t n = size_t(a.n);
  parallel_for(int(cosines.tiles.size()), [&](int task) {
    const Cosines::Tile &tile = cosines.tiles[size_t(task)];
    float *g = scratch(size_t(tile.height()) * size_t(tile.width()));
    cosines.compute(tile, g);
    for (int i = tile.top; i < tile.bottom; i++)
      for (int j = tile.left + std::max(0, i - tile.left); j < tile.right; j++) {
        const float c = g[size_t(i - tile.top) * size_t(tile.width()) + size_t(j - tile.left)];
        a.out[size_t(i) * n + size_t(j)] = c;
        a.out[size_t(j) * n + size_t(i)] = c;
      }
  });
}

}  // namespace vtok::fast
