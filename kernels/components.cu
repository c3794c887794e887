// Connected components on the device: tiles of cosines are thresholded in registers and never stored.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>

#include "kernels/device.cuh"

namespace vtok::device {
namespace {

using Key =
    unsigned long long;  // degree in the high half, then the complement of the index: the greatest is the hub

// The parent of a token has a lower index, a root is its own parent; linking and shortening paths may run at
// once.
__device__ int find(int *parent, int i) {
  int at = *const_cast<volatile int *>(parent + i);
  for (int before = i; at != i;) {
    const int next = *const_cast<volatile int *>(parent + at);
    if (next == at) break;
    *const_cast<volatile int *>(parent + before) = next;
    before = at, at = next;
  }
  return at;
}

__device__ void unite(int *parent, int i, int j) {
  i = find(parent, i), j = find(parent, j);
  while (i != j) {
    const int high = max(i, j), low = min(i, j);
    const int was = atomicCAS(parent + high, high, low);
    if (was == high) return;
    i = find(parent, was), j = low;
  }
}

__global__ void start(int n, int *parent, int *degrees, Key *keys) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i < n) parent[i] = i, degrees[i] = 1, keys[i] = 0;
}

__global__ void __launch_bounds__(kThreads)
    link(const float *x, const float *norms, int n, int d, float above, const uint8_t *sampled, int *parent,
         int *degrees) {
  if (blockIdx.x < blockIdx.y) return;  // every pair once: columns from the diagonal on
  __shared__ TileMemory memory;
  const int top = int(blockIdx.y) * kTile, left = int(blockIdx.x) * kTile;
  const auto rows_from = [=](int first) {
    return [=](int i, float &scale) {
      i += first;
      scale = i < n ? fmaxf(norms[i], kLeastNorm) : 1.f;
      return i < n ? x + size_t(i) * d : nullptr;
    };
  };
  float cosines[4][4] = {};
  tile_products(rows_from(top), rows_from(left), d, memory, cosines);
  int columns[4] = {};
  for (int p = 0; p < 4; p++) {
    const int i = top + int(threadIdx.x) / 16 + 16 * p;
    int row = 0;
    for (int q = 0; q < 4; q++) {
      const int j = left + int(threadIdx.x) % 16 + 16 * q;
      if (i >= j || j >= n || !(fminf(cosines[p][q], 1.f) > above)) continue;
      row++, columns[q]++;
      if (!sampled || sampled[i] || sampled[j]) unite(parent, i, j);
    }
    if (row) atomicAdd(degrees + i, row);
  }
  for (int q = 0; q < 4; q++)
    if (columns[q]) atomicAdd(degrees + left + int(threadIdx.x) % 16 + 16 * q, columns[q]);
}

__global__ void choose_hubs(int n, int *parent, const int *degrees, Key *keys) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i < n) atomicMax(keys + find(parent, i), Key(degrees[i]) << 32 | (0xffffffffu - unsigned(i)));
}

__device__ int hub_of(const Key *keys, int *parent, int i) {
  return int(0xffffffffu - unsigned(keys[find(parent, i)] & 0xffffffffu));
}

// One block: numbers the hubs by their index.
__global__ void number_hubs(int n, int *parent, const Key *keys, int *number, int *hubs, int *count) {
  __shared__ int sums[1024];
  const int share = (n + 1023) / 1024, first = int(threadIdx.x) * share, last = min(n, first + share);
  int mine = 0;
  for (int i = first; i < last; i++) mine += hub_of(keys, parent, i) == i;
  sums[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned step = 1; step < 1024; step *= 2) {
    const int below = threadIdx.x >= step ? sums[threadIdx.x - step] : 0;
    __syncthreads();
    sums[threadIdx.x] += below;
    __syncthreads();
  }
  int next = sums[threadIdx.x] - mine;
  for (int i = first; i < last; i++)
    if (hub_of(keys, parent, i) == i) hubs[next] = i, number[i] = next++;
  if (threadIdx.x == 1023) *count = sums[1023];
}

__global__ void label(int n, int *parent, const Key *keys, const int *number, int *labels) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i < n) labels[i] = number[hub_of(keys, parent, i)];
}

}  // namespace

void components(const Components &a, Stream *stream) {
  const cudaStream_t queue = handle(stream);
  if (a.n == 0) {
    check(cudaMemsetAsync(a.count, 0, sizeof(int), queue), "components");
    return;
  }
  float above = float(a.tau);  // the greatest float <= tau
  if (above > a.tau) above = std::nextafter(above, -2.f);
  const DeviceBuffer<int> parent(size_t(a.n), *stream), number(size_t(a.n), *stream);
  const DeviceBuffer<Key> keys(size_t(a.n), *stream);
  const unsigned tiles = blocks(a.n, kTile), items = blocks(a.n, kThreads);
  start<<<items, kThreads, 0, queue>>>(a.n, parent.data(), a.degrees, keys.data());
  link<<<dim3(tiles, tiles), kThreads, 0, queue>>>(a.x, a.norms, a.n, a.d, above, a.sampled, parent.data(),
                                                   a.degrees);
  choose_hubs<<<items, kThreads, 0, queue>>>(a.n, parent.data(), a.degrees, keys.data());
  number_hubs<<<1, 1024, 0, queue>>>(a.n, parent.data(), keys.data(), number.data(), a.hubs, a.count);
  label<<<items, kThreads, 0, queue>>>(a.n, parent.data(), keys.data(), number.data(), a.labels);
  check(cudaGetLastError(), "components");
}

}  // namespace vtok::device
