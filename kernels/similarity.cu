// Lengths of rows and the cosines of all pairs, on the device.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.cuh"

namespace vtok::device {
namespace {

constexpr int kRows = 32;  // of a block, which is one warp

// Each thread adds up a row of its own in plain()'s order and precision, so that lengths are the same to the
// last bit; the numbers come by tiles, read in one piece.
__global__ void __launch_bounds__(kRows) lengths(RowTable x, int n, int d, float *out) {
  __shared__ float tile[kRows][kRows + 1];
  const int lane = int(threadIdx.x), first = int(blockIdx.x) * kRows, rows = min(kRows, n - first);
  double sum = 0;
  for (int k = 0; k < d; k += kRows) {
    for (int r = 0; r < kRows; r++)
      tile[r][lane] = r < rows && k + lane < d ? x.row(first + r, d)[k + lane] : 0.f;
    __syncwarp();
    for (int c = 0; c < kRows; c++) sum += double(tile[lane][c]) * double(tile[lane][c]);
    __syncwarp();
  }
  if (lane < rows) out[first + lane] = float(isfinite(sum) ? fmin(sqrt(sum), double(FLT_MAX)) : sum);
}

__global__ void __launch_bounds__(kThreads)
    cosines(const float *x, const float *norms, int n, int d, float *out) {
  __shared__ TileMemory memory;
  const int top = int(blockIdx.y) * kTile, left = int(blockIdx.x) * kTile;
  float sum[4][4] = {};
  tile_products(TileRows{x, norms, n, d, top}, TileRows{x, norms, n, d, left}, d, memory, sum);
  for (int p = 0; p < 4; p++)
    for (int q = 0; q < 4; q++) {
      const int i = top + int(threadIdx.x) / 16 + 16 * p, j = left + int(threadIdx.x) % 16 + 16 * q;
      if (i < n && j < n) out[size_t(i) * n + j] = fminf(sum[p][q], 1.f);
    }
}

}  // namespace

void row_norms(RowTable x, int n, int d, float *out, Stream *stream) {
  if (n == 0) return;
  lengths<<<blocks(n, kRows), kRows, 0, handle(stream)>>>(x, n, d, out);
  check(cudaGetLastError(), "lengths of rows");
}

void similarity(const Similarity &a, Stream *stream) {
  if (a.n == 0) return;
  const unsigned tiles = blocks(a.n, kTile);
  cosines<<<dim3(tiles, tiles), kThreads, 0, handle(stream)>>>(a.x, a.norms, a.n, a.d, a.out);
  check(cudaGetLastError(), "similarity");
}

void norms(const Norms &a, Stream *stream) {
  const Rows rows{a.x, a.n};
  const RowTableMemory table(&rows, 1, *stream);
  row_norms(table.table(), a.n, a.d, a.out, stream);
}

}  // namespace vtok::device
