// The most similar representative of each row, on the device.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.cuh"

namespace vtok::device {
namespace {

using Key =
    unsigned long long;  // score in the high half, ordered as an integer, then the complement of the index

__device__ Key key_of(float score, int j) {
  const unsigned bits = __float_as_uint(score + 0.f);  // -0 becomes 0
  const unsigned ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
  return Key(ordered) << 32 | (0xffffffffu - unsigned(j));
}

__global__ void __launch_bounds__(kThreads) search(RowTable x, const float *x_norms, int n, int d,
                                                   const float *r, const float *r_norms, int m, Key *best) {
  __shared__ TileMemory memory;
  const int top = int(blockIdx.x) * kTile, left = int(blockIdx.y) * kTile;
  const auto row = [=](int i, float &scale) {
    i += top;
    scale = i < n ? fmaxf(x_norms[i], kLeastNorm) : 1.f;
    return i < n ? x.row(i, d) : nullptr;
  };
  const auto representative = [=](int j, float &scale) {
    j += left;
    scale = j < m ? fmaxf(r_norms[j], kLeastNorm) : 1.f;
    return j < m ? r + size_t(j) * d : nullptr;
  };
  float cosines[4][4] = {};
  tile_products(row, representative, d, memory, cosines);
  for (int p = 0; p < 4; p++) {
    Key key = 0;
    for (int q = 0; q < 4; q++) {
      const int j = left + int(threadIdx.x) % 16 + 16 * q;
      if (j < m) key = max(key, key_of(cosines[p][q], j));
    }
    for (int step = 8; step > 0; step /= 2) key = max(key, __shfl_xor_sync(0xffffffffu, key, step, 16));
    const int i = top + int(threadIdx.x) / 16 + 16 * p;
    if (threadIdx.x % 16 == 0 && i < n) atomicMax(best + i, key);
  }
}

__global__ void write_labels(int n, const Key *best, int *labels) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i < n) labels[i] = int(0xffffffffu - unsigned(best[i] & 0xffffffffu));
}

}  // namespace

void nearest(const Nearest &a, Stream *stream) {
  const RowTableMemory rows(a.x, a.blocks, *stream);
  const int n = rows.n();
  if (n == 0) return;
  const DeviceBuffer<float> lengths(size_t(n), *stream);
  const DeviceBuffer<Key> best(size_t(n), *stream);
  row_norms(rows.table(), n, a.d, lengths.data(), stream);
  check(cudaMemsetAsync(best.data(), 0, size_t(n) * sizeof(Key), handle(stream)), "nearest");
  search<<<dim3(blocks(n, kTile), blocks(a.m, kTile)), kThreads, 0, handle(stream)>>>(
      rows.table(), lengths.data(), n, a.d, a.r, a.r_norms, a.m, best.data());
  write_labels<<<blocks(n, kThreads), kThreads, 0, handle(stream)>>>(n, best.data(), a.labels);
  check(cudaGetLastError(), "nearest");
}

}  // namespace vtok::device
