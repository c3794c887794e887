// What the .cu files share: row tables, the float32 product of one tile, reductions within a block.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cosine.h"
#include "kernels/cuda.h"

namespace vtok::device {

void norms(const Norms &, Stream *);
void components(const Components &, Stream *);
void nearest(const Nearest &, Stream *);
void means(const Means &, Stream *);
void preprocess(const Preprocess &, Stream *);

inline cudaStream_t handle(const Stream *stream) { return static_cast<cudaStream_t>(stream->handle); }
inline unsigned blocks(int64_t items, int per_block) { return unsigned((items + per_block - 1) / per_block); }

/// Rows of several buffers, for device code.
struct RowTable {
  struct Block {
    const float *data;  // [n, d]
    int first;          // index of its first row among all rows
    int n;
  };
  const Block *block;  // [count], by first
  int count;

  __device__ const float *row(int i, int d) const {
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (block[middle].first <= i)
        low = middle;
      else
        high = middle - 1;
    }
    return block[low].data + size_t(i - block[low].first) * d;
  }
};

/// The table's host side: n rows in all.
class RowTableMemory {
  int n_ = 0;
  std::vector<RowTable::Block> host_;
  DeviceBuffer<RowTable::Block> memory_;
  static std::vector<RowTable::Block> list(const Rows *x, int count) {
    std::vector<RowTable::Block> blocks;
    for (int b = 0, first = 0; b < count; first += x[b++].n)
      if (x[b].n > 0) blocks.push_back({x[b].data, first, x[b].n});
    return blocks;
  }

 public:
  RowTableMemory(const Rows *x, int count, Stream &stream) : host_(list(x, count)), memory_(host_, stream) {
    if (!host_.empty()) n_ = host_.back().first + host_.back().n;
  }
  int n() const { return n_; }
  RowTable table() const { return {memory_.data(), int(host_.size())}; }
};

/// out[i] = length of row i (kernels.h: Norms).
void row_norms(RowTable x, int n, int d, float *out, Stream *stream);

constexpr int kTile = 64, kDepth = 16,
              kThreads = 256;  // a block makes kTile x kTile products, each thread 4 x 4

struct TileMemory {  // shared
  float a[kDepth][kTile + 1], b[kDepth][kTile + 1];
};

/// sum[p][q] = <a row threadIdx.x / 16 + 16 p, b row threadIdx.x % 16 + 16 q>, of rows divided by their
/// lengths. Row(i) gives row i of the tile, null beyond its end; norm(i) its length.
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
