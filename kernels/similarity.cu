// Lengths of rows on the device.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cfloat>

#include "kernels/device.cuh"

namespace vtok::device {
namespace {

// One block a row; float32 squares of scaled numbers would lose rows near the ends of the range, so double.
__global__ void lengths(RowTable x, int d, float *out) {
  __shared__ double sums[kThreads];
  const float *row = x.row(int(blockIdx.x), d);
  double sum = 0;
  for (int c = int(threadIdx.x); c < d; c += kThreads) sum += double(row[c]) * row[c];
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0)
    out[blockIdx.x] = float(isfinite(sums[0]) ? fmin(sqrt(sums[0]), double(FLT_MAX)) : sums[0]);
}

}  // namespace

void row_norms(RowTable x, int n, int d, float *out, Stream *stream) {
  if (n == 0) return;
  lengths<<<unsigned(n), kThreads, 0, handle(stream)>>>(x, d, out);
  check(cudaGetLastError(), "lengths of rows");
}

void norms(const Norms &a, Stream *stream) {
  const Rows rows{a.x, a.n};
  const RowTableMemory table(&rows, 1, *stream);
  row_norms(table.table(), a.n, a.d, a.out, stream);
}

}  // namespace vtok::device
