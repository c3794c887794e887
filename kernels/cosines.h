// The cosines of all pairs of rows, tile by tile while they are in the cache; products by oneDNN.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <vector>

namespace vtok::fast {

/// out[i][j] = <a[i], b[j]>, a [m, d], b [n, d], out [m, n], in float32.
void products(const float *a, int m, const float *b, int n, int d, float *out);

/// A buffer of this thread's, valid until its next call from the same thread.
float *scratch(size_t count);

/// 1 / max(norm, 1e-12) of each row. Where a norm is so great that float32 products overflow, `rows` is
/// pointed at a normalised copy of the rows, kept in `copy`, and the factors are 1.
std::vector<float> row_factors(const float *&rows, const float *norms, int n, int d,
                               std::vector<float> &copy);

class Cosines {
  const float *rows;
  int d;
  std::vector<float> copy, factors;

 public:
  /// Rows [top, bottom) against columns [left, right). Together the tiles hold every pair i < j once; those
  /// with left < bottom also hold pairs that are to be passed over: column <= row.
  struct Tile {
    int top, bottom, left, right;
    int height() const { return bottom - top; }
    int width() const { return right - left; }
    int first(int row) const {
      return row + 1 > left ? row + 1 - left : 0;
    }  // column in the tile of the first pair
  };
  std::vector<Tile> tiles;  // row by row; at most kHeight x kWidth, but a small matrix is one tile per thread

  Cosines(const float *x, const float *norms, int n, int d);
  void compute(const Tile &tile, float *out) const;  // out [height, width], each at most 1
};

}  // namespace vtok::fast
