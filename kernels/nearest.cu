// The most similar representative of each row, on the device.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A tile's cosines are written down, then a warp reads those of one row.
#include <algorithm>

#include "kernels/device.cuh"

namespace vtok::device {
namespace {

constexpr int kWarp = 32;
constexpr unsigned kAll = 0xffffffffu;
constexpr int64_t kScores = 1 << 24;  // float32 cosines written down at a time: 64 MB

// scores[i][j]: of row first + i and representative j, in float32.
__global__ void __launch_bounds__(kThreads)
    score(RowTable x, const float *x_norms, int first, int rows, int d, const float *r, const float *r_norms,
          int m, float *scores) {
  __shared__ TileMemory memory;
  const int top = int(blockIdx.x) * kTile, left = int(blockIdx.y) * kTile;
  const auto row = [=](int i, float &scale) {
    i += top;
    scale = i < rows ? fmaxf(x_norms[first + i], kLeastNorm) : 1.f;
    return i < rows ? x.row(first + i, d) : nullptr;
  };
  float cosines[4][4] = {};
  tile_products(row, TileRows{r, r_norms, m, d, left}, d, memory, cosines);
  for (int p = 0; p < 4; p++)
    for (int q = 0; q < 4; q++) {
      const int i = top + int(threadIdx.x) / 16 + 16 * p, j = left + int(threadIdx.x) % 16 + 16 * q;
      if (i < rows && j < m) scores[size_t(i) * m + j] = cosines[p][q];
    }
}

// A warp a row. Note [Float32 first, double where it matters]: all within twice the slack of the best are
// candidates.
__global__ void choose(RowTable x, const float *x_norms, int first, int rows, int d, const float *r,
                       const float *r_norms, int m, const float *scores, int *labels, double *cosines) {
  const int i = int(blockIdx.x) * (kThreads / kWarp) + int(threadIdx.x) / kWarp,
            lane = int(threadIdx.x) % kWarp;
  if (i >= rows) return;  // a whole warp
  const float *mine = scores + size_t(i) * m, *row = x.row(first + i, d);
  float top = -FLT_MAX;
  bool great = saturated(x_norms[first + i]);
  for (int j = lane; j < m; j += kWarp) {
    top = fmaxf(top, mine[j]);
    great = great || saturated(r_norms[j]);
  }
  for (int step = kWarp / 2; step > 0; step /= 2) top = fmaxf(top, __shfl_xor_sync(kAll, top, step));
  great = __any_sync(kAll, great) != 0;
  const float least = top - 2 * slack(d, great);
  int label = m;  // none
  double best = 0;
  for (int j = lane; j < m; j += kWarp) {
    if (!(mine[j] >= least)) continue;
    const double value = dot(row, r + size_t(j) * d, d) / double(fmaxf(r_norms[j], kLeastNorm));
    if (label == m || value > best) best = value, label = j;
  }
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const double other = __shfl_xor_sync(kAll, best, step);
    const int its = __shfl_xor_sync(kAll, label, step);
    if (its < m && (label == m || other > best || (other == best && its < label))) best = other, label = its;
  }
  if (lane != 0) return;
  labels[first + i] = label < m ? label : 0;  // none: only where a number is not finite
  if (!cosines) return;
  // plain() divides by the row's length first.
  const double product = dot(row, r + size_t(labels[first + i]) * d, d);
  cosines[first + i] = fmin(1., product / double(fmaxf(x_norms[first + i], kLeastNorm)) /
                                    double(fmaxf(r_norms[labels[first + i]], kLeastNorm)));
}

}  // namespace

void nearest(const Nearest &a, Stream *stream) {
  const RowTableMemory table(a.x, a.blocks, *stream);
  const int n = table.n();
  if (n == 0) return;
  const Array<float> lengths(size_t(n), *stream);
  row_norms(table.table(), n, a.d, lengths.data(), stream);
  const int share = int(std::min<int64_t>(n, std::max<int64_t>(kTile, kScores / a.m)));
  const Array<float> scores(size_t(share) * size_t(a.m), *stream);
  for (int first = 0; first < n; first += share) {
    const int rows = std::min(share, n - first);
    score<<<dim3(blocks(rows, kTile), blocks(a.m, kTile)), kThreads, 0, handle(stream)>>>(
        table.table(), lengths.data(), first, rows, a.d, a.r, a.r_norms, a.m, scores.data());
    choose<<<blocks(rows, kThreads / kWarp), kThreads, 0, handle(stream)>>>(
        table.table(), lengths.data(), first, rows, a.d, a.r, a.r_norms, a.m, scores.data(), a.labels,
        a.cosines);
  }
  check(cudaGetLastError(), "nearest");
}

}  // namespace vtok::device
