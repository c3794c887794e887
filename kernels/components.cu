// Connected components on the device: tiles of cosines are thresholded in registers and never stored.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.cuh"

namespace vtok::device {
namespace {

using Key =
    unsigned long long;  // degree in the high half, then the complement of the index: the greatest is the hub

// The parent of a token has a lower index, a root is its own parent. Links are made by atomicCAS on roots
// alone, so a token that has left its root place never becomes a root again; find() shortens paths meanwhile,
// by plain stores of ancestors: whichever store comes last, what it names is an ancestor still, and lower.
// (volatile: each load is one load from where atomics work, not from a thread's or a multiprocessor's copy.)
__device__ int find(int *parent, int i) {
  volatile int *up = parent;
  int before = i, at = up[i];
  while (true) {
    const int next = up[at];
    if (next == at) return at;
    up[before] = next;
    before = at, at = next;
  }
}

__device__ void unite(int *parent, int i, int j) {
  i = find(parent, i), j = find(parent, j);
  while (i != j) {
    const int high = max(i, j), low = min(i, j);
    const int was = atomicCAS(parent + high, high, low);
    if (was == high) return;                       // high was a root and hangs under low now
    i = find(parent, was), j = find(parent, low);  // somebody else has linked it
  }
}

__global__ void start(int n, int *parent, int *degrees, Key *keys) {
  const int i = int(blockIdx.x * kThreads + threadIdx.x);
  if (i < n) parent[i] = i, degrees[i] = 1, keys[i] = 0;
}

// Whether the cosine is above tau; `about` is its tile's. Note [Float32 first, double where it matters]
__device__ bool above(float about, const float *x, const float *norms, int i, int j, int d, double tau) {
  const double off = double(fminf(about, 1.f)) - tau;
  if (fabs(off) > double(slack(d, saturated(norms[i]) || saturated(norms[j])))) return off > 0;
  const double product = dot(x + size_t(i) * d, x + size_t(j) * d, d);
  return fmin(1., product / double(fmaxf(norms[i], kLeastNorm)) / double(fmaxf(norms[j], kLeastNorm))) > tau;
}

__global__ void __launch_bounds__(kThreads) link(const float *x, const float *norms, int n, int d, double tau,
                                                 const uint8_t *sampled, int *parent, int *degrees) {
  if (blockIdx.x < blockIdx.y) return;  // every pair once: columns from the diagonal on
  __shared__ TileMemory memory;
  const int top = int(blockIdx.y) * kTile, left = int(blockIdx.x) * kTile;
  float cosines[4][4] = {};
  tile_products(TileRows{x, norms, n, d, top}, TileRows{x, norms, n, d, left}, d, memory, cosines);
  int columns[4] = {};
  for (int p = 0; p < 4; p++) {
    const int i = top + int(threadIdx.x) / 16 + 16 * p;
    int row = 0;
    for (int q = 0; q < 4; q++) {
      const int j = left + int(threadIdx.x) % 16 + 16 * q;
      if (i >= j || j >= n || !above(cosines[p][q], x, norms, i, j, d, tau)) continue;
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
  const Array<int> parent(size_t(a.n), *stream), number(size_t(a.n), *stream);
  const Array<Key> keys(size_t(a.n), *stream);
  const unsigned tiles = blocks(a.n, kTile), items = blocks(a.n, kThreads);
  start<<<items, kThreads, 0, queue>>>(a.n, parent.data(), a.degrees, keys.data());
  link<<<dim3(tiles, tiles), kThreads, 0, queue>>>(a.x, a.norms, a.n, a.d, a.tau, a.sampled, parent.data(),
                                                   a.degrees);
  choose_hubs<<<items, kThreads, 0, queue>>>(a.n, parent.data(), a.degrees, keys.data());
  number_hubs<<<1, 1024, 0, queue>>>(a.n, parent.data(), keys.data(), number.data(), a.hubs, a.count);
  label<<<items, kThreads, 0, queue>>>(a.n, parent.data(), keys.data(), number.data(), a.labels);
  check(cudaGetLastError(), "components");
}

}  // namespace vtok::device
