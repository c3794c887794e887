// Means of labelled rows on the device.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A block looks through all labels for its own: no atomics, so the same sums each time.
#include "kernels/device.cuh"

namespace vtok::device {
namespace {

__global__ void average(RowTable x, int d, const int *labels, const uint32_t *weights, const float *start,
                        float *out, uint64_t *counts) {
  const int mine = int(blockIdx.x), c = int(blockIdx.y * kThreads + threadIdx.x);
  double sum = 0;  // in the order of rows and in double, as plain() adds
  uint64_t count = 0;
  for (int b = 0; b < x.count; b++)
    for (int i = 0; i < x.block(b).n; i++) {
      const int at = x.block(b).first + i;
      if (labels[at] != mine) continue;  // the whole block together
      const uint32_t weight = weights ? weights[at] : 1;
      count += weight;
      if (c < d) sum += double(weight) * double(x.block(b).data[size_t(i) * d + c]);
    }
  if (c == 0) counts[mine] = count;
  if (c >= d) return;
  const size_t k = size_t(mine) * d + c;
  const double parts = double(count) + (start ? 1 : 0);
  out[k] = parts == 0 ? 0.f : float((sum + (start ? double(start[k]) : 0.)) / parts);
}

}  // namespace

void means(const Means &a, Stream *stream) {
  if (a.m == 0) return;
  const RowTableMemory rows(a.x, a.blocks, *stream);
  average<<<dim3(unsigned(a.m), blocks(a.d, kThreads)), kThreads, 0, handle(stream)>>>(
      rows.table(), a.d, a.labels, a.weights, a.start, a.out, a.counts);
  check(cudaGetLastError(), "means");
}

}  // namespace vtok::device
