// The cosines of all pairs of rows, tile by tile.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/cosines.h"

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/cosine.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {
namespace {

constexpr int kHeight = 128, kWidth = 512;  // a tile of float32 fits the second-level cache beside its rows
constexpr int kSmall = 512;                 // up to here a tile for each thread is best
constexpr float kGreatNorm = 1e17f;         // products of longer rows may overflow

}  // namespace

void products(const float *a, int m, const float *b, int n, int d, float *out) {
  if (m == 0 || n == 0) return;
  const dnnl_status_t status = dnnl_sgemm('N', 'T', m, n, d, 1, a, d, b, d, 0, out, n);
  if (status != dnnl_success)
    throw std::runtime_error("oneDNN refused a matrix product: status " + std::to_string(status));
}

float *scratch(size_t count) {
  static thread_local std::vector<float> buffer;
  if (buffer.size() < count) buffer.resize(count);
  return buffer.data();
}

std::vector<float> row_factors(const float *&rows, const float *norms, int n, int d,
                               std::vector<float> &copy) {
  std::vector<float> factors(static_cast<size_t>(n));
  for (int i = 0; i < n; i++) factors[size_t(i)] = 1 / std::max(norms[i], kLeastNorm);
  if (std::all_of(norms, norms + n, [](float norm) { return norm < kGreatNorm; })) return factors;
  copy.resize(size_t(n) * d);
  for (size_t i = 0; i < size_t(n); i++) {
    const double norm = std::max(norms[i], kLeastNorm);
    for (size_t c = i * d; c < (i + 1) * d; c++) copy[c] = float(rows[c] / norm);
    factors[i] = 1;
  }
  rows = copy.data();
  return factors;
}

Cosines::Cosines(const float *x, const float *norms, int n, int dim) : rows(x), d(dim) {
  factors = row_factors(rows, norms, n, d, copy);
  // Rows of a small matrix are shared out so that each thread's tile, which reaches to the right edge, has
  // one size.
  const double share = 0.76 * n * n / threads();
  for (int top = 0, bottom; top < n; top = bottom) {
    const int left = n - top;
    int height = n <= kSmall ? std::clamp(int(share / left), 16, std::max(n / 2, 64)) : kHeight;
    if (height * 5 >= left * 3) height = std::min(left, n <= kSmall ? n : kHeight);
    bottom = std::min(n, top + height);
    const int width = n <= kSmall ? n : kWidth;
    for (int c = top; c < n; c += width) tiles.push_back({top, bottom, c, std::min(n, c + width)});
  }
}

void Cosines::compute(const Tile &tile, float *out) const {
  products(rows + size_t(tile.top) * d, tile.height(), rows + size_t(tile.left) * d, tile.width(), d, out);
  for (int i = 0; i < tile.height(); i++)
    simd::scale(out + size_t(i) * tile.width(), factors.data() + tile.left, factors[size_t(tile.top + i)],
                tile.width());
}

}  // namespace vtok::fast
