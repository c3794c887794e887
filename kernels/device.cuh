// What the .cu files share: row tables, products of tiles in float32, the exact product.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cuda_runtime.h>

#include <cfloat>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/cosine.h"
#include "kernels/device_memory.h"

namespace vtok::device {

void norms(const Norms &, Stream *);
void similarity(const Similarity &, Stream *);
void components(const Components &, Stream *);
void nearest(const Nearest &, Stream *);
void means(const Means &, Stream *);
void convert(const Convert &, Stream *);
void preprocess(const Preprocess &, Stream *);

/// Throws OutOfMemory where device memory ran out, else std::runtime_error "CUDA: <what>: <reason>".
void check(cudaError_t code, const char *what);

inline cudaStream_t handle(const Stream *stream) { return static_cast<cudaStream_t>(stream->handle()); }
inline unsigned blocks(int64_t items, int per_block) { return unsigned((items + per_block - 1) / per_block); }

/// Rows of several buffers, for device code.
struct RowTable {
  struct Block {
    const float *data;  // [n, d]
    int first;          // index of its first row among all rows
    int n;
  };
  const Block *many;  // [count], by first; null where there is but `one`
  Block one;
  int count;

  __device__ const Block &block(int b) const { return many ? many[b] : one; }
  __device__ const float *row(int i, int d) const {
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (many[middle].first <= i)
        low = middle;
      else
        high = middle - 1;
    }
    return block(low).data + size_t(i - block(low).first) * d;
  }
};

/// The table's host side: n rows in all.
class RowTableMemory {
  int n_ = 0;
  std::vector<RowTable::Block> host_;
  std::optional<Array<RowTable::Block>> many_;  // a single block goes with the kernel's arguments
  static std::vector<RowTable::Block> list(const Rows *x, int count) {
    std::vector<RowTable::Block> blocks;
    for (int b = 0, first = 0; b < count; first += x[b++].n)
      if (x[b].n > 0) blocks.push_back({x[b].data, first, x[b].n});
    return blocks;
  }

 public:
  RowTableMemory(const Rows *x, int count, Stream &stream) : host_(list(x, count)) {
    if (!host_.empty()) n_ = host_.back().first + host_.back().n;
    if (host_.size() > 1) many_.emplace(host_, stream);
  }
  int n() const { return n_; }
  RowTable table() const {
    return {many_ ? many_->data() : nullptr, host_.empty() ? RowTable::Block{} : host_.front(),
            int(host_.size())};
  }
};

/// out[i] = length of row i (kernels.h: Norms).
void row_norms(RowTable x, int n, int d, float *out, Stream *stream);

constexpr int kTile = 64, kDepth = 16,
              kThreads = 256;  // a block makes kTile x kTile products, each thread 4 x 4

// Note [Float32 first, double where it matters]
// Products of tiles are sums in float32 of rows divided by their lengths, off by at most slack(d, ...): each
// of d + 2 roundings is at most 2^-24 of the product of the rows' lengths after division, here taken twice
// for good measure. Lengths after division are at most 1, but for rows whose length is above the greatest
// float, which is what Norms says of them: those may be up to sqrt(d). A decision that the slack leaves open
// is taken again by dot(), which adds in the order and precision of plain(): a product of two floats is exact
// in double, so fused or not is the same.
__device__ inline float slack(int d, bool saturated) {
  const float most = float(d + 8) * 0x1p-23f;
  return saturated ? most * float(d) : most;
}
__device__ inline bool saturated(float norm) { return norm >= FLT_MAX; }
__device__ inline double dot(const float *a, const float *b, int d) {
  double sum = 0;
  for (int c = 0; c < d; c++) sum += double(a[c]) * double(b[c]);
  return sum;
}

/// Rows of a matrix from `first` on, for tile_products().
struct TileRows {
  const float *x, *norms;  // [n, d], [n]
  int n, d, first;
  __device__ const float *operator()(int i, float &scale) const {
    i += first;
    scale = i < n ? fmaxf(norms[i], kLeastNorm) : 1.f;
    return i < n ? x + size_t(i) * d : nullptr;
  }
};

struct TileMemory {  // shared
  float a[kDepth][kTile + 1], b[kDepth][kTile + 1];
};

/// sum[p][q] = <a row threadIdx.x / 16 + 16 p, b row threadIdx.x % 16 + 16 q>, of rows divided by their
/// lengths. row(i, scale) gives row i of the tile, null beyond its end, and its length. For blocks of
/// kThreads; every thread of the block must come here.
template <class RowA, class RowB>
__device__ void tile_products(RowA row_a, RowB row_b, int d, TileMemory &memory, float (&sum)[4][4]) {
  const int row = threadIdx.x / 4, part = threadIdx.x % 4 * 4;
  float scale_a, scale_b;
  const float *a = row_a(row, scale_a), *b = row_b(row, scale_b);
  for (int k = 0; k < d; k += kDepth) {
    for (int c = 0; c < 4; c++) {
      const int at = k + part + c;
      memory.a[part + c][row] = a && at < d ? a[at] / scale_a : 0.f;
      memory.b[part + c][row] = b && at < d ? b[at] / scale_b : 0.f;
    }
    __syncthreads();
    const int y = threadIdx.x / 16, x = threadIdx.x % 16;
    for (int c = 0; c < kDepth; c++) {
      float left[4], right[4];
      for (int p = 0; p < 4; p++) left[p] = memory.a[c][y + 16 * p], right[p] = memory.b[c][x + 16 * p];
      for (int p = 0; p < 4; p++)
        for (int q = 0; q < 4; q++) sum[p][q] = fmaf(left[p], right[q], sum[p][q]);
    }
    __syncthreads();
  }
}

}  // namespace vtok::device
