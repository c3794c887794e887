// The most similar representative of each row, fast: a tile of products is searched while it is in the cache.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include "kernels/cosines.h"
#include "kernels/fast.h"
#include "kernels/reference.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {
namespace {

struct Piece {
  Rows rows;
  int *labels;
};

// Float32 products of this row over- or underflow: search again in double precision.
void search_exactly(const Nearest &a, const float *row, int *label) {
  if (std::all_of(row, row + a.d, [](float v) { return v == 0; })) {
    *label = 0;
    return;
  }
  const Rows one{row, 1};
  Nearest exact = a;
  exact.x = &one, exact.blocks = 1, exact.labels = label, exact.cosines = nullptr;
  reference::nearest(exact, nullptr);
}

}  // namespace

void nearest(const Nearest &a, Stream *) {
  constexpr int kHeight = 196, kWidth = 512;
  const float *r = a.r;
  std::vector<float> copy;
  const std::vector<float> factors = row_factors(r, a.r_norms, a.m, a.d, copy);
  std::vector<Piece> pieces;
  int *labels = a.labels;
  for (int b = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i += kHeight) {
      const int n = std::min(kHeight, a.x[b].n - i);
      pieces.push_back({{a.x[b].data + size_t(i) * size_t(a.d), n}, labels});
      labels += n;
    }
  parallel_for(int(pieces.size()), [&](int task) {
    const Piece &piece = pieces[size_t(task)];
    float *g = scratch(size_t(kHeight) * kWidth);
    float best[kHeight];
    for (int j = 0; j < a.m; j += kWidth) {
      const int width = std::min(kWidth, a.m - j);
      products(piece.rows.data, piece.rows.n, r + size_t(j) * size_t(a.d), width, a.d, g);
      for (int i = 0; i < piece.rows.n; i++) {
        const simd::Best found = simd::argmax(g + size_t(i) * size_t(width), factors.data() + j, width);
        if (j == 0 || !(found.value <= best[i])) best[i] = found.value, piece.labels[i] = j + found.index;
      }
    }
    for (int i = 0; i < piece.rows.n; i++)
      if (!(std::abs(best[i]) > 1e-25f && std::abs(best[i]) < 1e36f))
        search_exactly(a, piece.rows.data + size_t(i) * size_t(a.d), piece.labels + i);
  });
  if (a.cosines) reference::cosines_of_nearest(a);
}

}  // namespace vtok::fast
