// The kernel contract: one args struct and one function pointer per kernel, with its formula and shapes.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A kernel of plain() and cpu() takes host pointers and ignores the Stream. A kernel of cuda() takes device
// pointers (kernels/device_memory.h) for everything marked * below, puts its work on the Stream and returns at
// once. All arrays are contiguous and row-major, shapes in brackets. Sizes of 0 are allowed. Kernels do not
// check their arguments.
//
// cuda() has what compressing needs: norms, similarity, components, nearest, means, convert, and preprocess. The
// rest works on what the host has anyway: luma thumbnails, a CPU model's weights; a tree is grown on the host
// from copied rows (models/scc.cc).
#pragma once
#include <cstdint>

#include "kernels/filter.h"

namespace vtok {

class Stream;  // a queue of work on a device (kernels/device.h); may be null on the CPU

/// Picture -> what a vision tower takes: resized as bytes (kernels/filter.h says how, bit for bit), then
/// normalised.
///   out[c][y][x] = (resized[y][x][c] - mean[c]) / deviation[c]          in float32, c: red, green, blue
/// With filters made once for a stream of equal-sized frames:
///   const Filter across = make_filter(width, 384, Interpolation::kBicubic), down = make_filter(height, 384,
///   ...); cpu().preprocess({.rgb = pixels, .stride = width * 3, .across = across.view(), .down =
///   down.view(),
///                     .mean = {127.5f, 127.5f, 127.5f}, .deviation = {127.5f, 127.5f, 127.5f}, .out = out},
///                     nullptr);
struct Preprocess {
  const uint8_t *rgb;  // * [down.in, across.in, 3], rows `stride` bytes apart
  int64_t stride;      // bytes, >= across.in * 3
  FilterView across;   // width: across.in -> across.out; its pointers *
  FilterView down;     // height: down.in -> down.out
  float mean[3];       // 255 * the checkpoint's image_mean
  float deviation[3];  // 255 * image_std, > 0
  float *out;          // * [3, down.out, across.out]
};

/// Mean absolute difference of two luma pictures over a grid of blocks, in 0..1.
///   out[r][c] = mean of |a - b| / 255 over y in [r*height/rows, (r+1)*height/rows), x likewise; rows <=
///   height
struct Change {
  const uint8_t *a, *b;  // * [height, width]
  int width, height;
  int64_t stride_a, stride_b;  // bytes
  int columns, rows;
  float *out;  // * [rows, columns]
};

/// Histogram of a luma picture: out[v * bins / 256] += 1 for each pixel v, after setting out to 0.
struct Histogram {
  const uint8_t *luma;  // * [height, width]
  int width, height;
  int64_t stride;  // bytes
  int bins;        // 1..256
  uint32_t *out;   // * [bins]
};

/// Lengths of rows: out[i] = sqrt(sum of squares of x[i]), at most the greatest float. Not finite where, and
/// only where, the row holds NaN or infinity.
struct Norms {
  const float *x;  // * [n, d]
  int n, d;
  float *out;  // * [n]
};

/// Cosines of all pairs: out[i][j] = min(1, <x[i], x[j]> / (max(norms[i], 1e-12) max(norms[j], 1e-12))).
struct Similarity {
  const float *x;      // * [n, d], finite
  const float *norms;  // * [n], of Norms
  int n, d;
  float *out;  // * [n, n]
};

/// Connected components of the graph that links i and j where their cosine (as in Similarity) is above tau,
/// strictly. A component is all that hangs together, over any number of links. Its hub is its member of
/// highest degree (ties: the lowest index); components are numbered by the index of their hubs. The degree of
/// a token counts its links and itself. With `sampled`, only links that have a sampled end connect; degrees
/// count every link all the same. Time O(n^2 d), memory O(n) beside the arguments.
struct Components {
  const float *x;      // * [n, d], finite
  const float *norms;  // * [n]
  int n, d;
  double tau;
  const uint8_t *sampled;  // * [n]: not 0 where sampled; null: all are
  int *labels;             // * [n]: component of each token, 0 <= label < *count
  int *degrees;            // * [n]
  int *hubs;               // * [n]: the first *count are set, ascending
  int *count;              // * [1]
};

/// Maximum spanning tree of the cosines. Cutting its edges at or below tau leaves exactly the components at
/// tau. Edges come with falling cosines; ties by the lower `from`, then the lower `to`. Memory O(n) and at
/// most 256 MB.
struct Tree {
  const float *x;      // * [n, d], finite
  const float *norms;  // * [n]
  int n, d;
  int *from, *to;  // * [n - 1], from < to
  float *cosines;  // * [n - 1]
};

/// Rows of several buffers as one matrix: block after block.
struct Rows {
  const float *data;  // * [n, d]
  int n;
};

/// The most similar of m representatives: labels[i] = argmax over j of cos(x[i], r[j]); ties, and rows of
/// zeros: the lowest.
struct Nearest {
  const Rows *x;  // [blocks], n rows in all, finite
  int blocks, d;
  const float *r;        // * [m, d]
  const float *r_norms;  // * [m]
  int m;                 // >= 1
  int *labels;           // * [n]
  double *cosines;       // * [n]: of each row and its representative, as in Similarity; null: not wanted
};

/// Means of labelled rows, and what a representative becomes when rows are merged into it.
///   counts[j] = sum of weights[i] over labels[i] == j
///   out[j] = (start[j] + sum of weights[i] x[i]) / (1 + counts[j])     without start: sum / counts[j], 0
///   where that is 0
struct Means {
  const Rows *x;  // [blocks], n rows in all
  int blocks, d;
  const int *labels;        // * [n], in 0..m-1
  const uint32_t *weights;  // * [n]; null: all 1
  const float *start;       // * [m, d]; null: none; may be out
  int m;
  float *out;        // * [m, d]
  uint64_t *counts;  // * [m]
};

/// Number types that kernels read and write.
enum class Number : uint8_t { kFloat32, kFloat16, kBfloat16 };

/// Numbers in another type: out[i] = x[i], to nearest, ties to even. NaN stays NaN.
struct Convert {
  const void *x;    // * [count]
  Number from, to;  // one of them kFloat32
  int64_t count;
  void *out;  // * [count]
};

/// How the weights of a matrix are stored.
enum class Weight : uint8_t { kFloat32, kBfloat16, kInt8, kInt4 };
constexpr int kScaled = 64;  // columns of a row that share a scale in kInt8 and kInt4; divides `columns`

/// Weights in fewer bits, each 64 columns of a row with their own scale, a bfloat16, w = scale * q, to nearest:
///   kInt8: scale = max |w| / 127, q in -127..127, a byte each, [rows, columns]
///   kInt4: scale = w / -8 for the w of the greatest |w|, q in -8..7, [rows, columns / 2]: of each 64 columns, byte j holds
///          q + 8 of column j in its low half and of column 32 + j in its high half
struct Quantize {
  const void *weights;  // * [rows, columns], finite
  Weight from;          // kFloat32 or kBfloat16
  int rows, columns;
  Weight to;      // kInt8 or kInt4
  uint8_t *out;   // *
  uint16_t *scales;  // * [rows, columns / 64], bfloat16
};

/// A matrix times a few rows, as decoding needs it: out[i][r] = bias[r] + sum over c of weights[r][c] * x[i][c]. Sums in
/// float32. What a row of x gives does not depend on the others, bit for bit; the weights are read once for up to four.
/// Where weights have scales, x is rounded too, each 64 columns of a row to whole numbers of 16 bits with a scale of their own,
/// max |x| / 32767: finer than bfloat16 for all that is not 128 times smaller than the greatest. Of 64 columns that are not all
/// finite, NaN is made.
struct MatVec {
  const void *weights;  // * [rows, columns], as Quantize says where they have scales
  Weight type;
  int rows, columns;
  const float *x;     // * [n, columns]
  const float *bias;  // * [rows]; null: none
  float *out;         // * [n, rows]
  int n = 1;
  const uint16_t *scales = nullptr;  // * [rows, columns / 64] of kInt8 and kInt4
};

/// Attention, `heads / kv_heads` heads reading each pair of keys and values:
///   out[i][h] = sum over t of softmax over t of (scale * <q[i][h], keys[k][t]>) * values[k][t],  k = h * kv_heads / heads
/// over t < length, and where `causal` t <= length - queries + i: the last query sees every key. Scores and softmax are
/// float32; with bfloat16 keys and more than one query, q and the softmax are rounded to bfloat16 for the products.
/// Keys and values lie in one piece or in blocks of `block_rows` rows each.
struct Attention {
  const float *q;             // * head h of query i begins at number i * query_stride + h * head
  int64_t query_stride;
  const void *keys, *values;  // * row t of head k begins at number k * head_stride + t * row_stride
  bool bfloat16;              // keys and values are bfloat16, else float32
  int queries, heads, kv_heads, head;  // kv_heads divides heads
  int length;                          // rows of keys, >= 1, >= queries where causal
  int64_t row_stride, head_stride;     // numbers
  bool causal;
  float scale;
  float *out;  // * [queries, heads, head]
  // Not null: row t is row t % block_rows of block t / block_rows, and keys and values are not read. In host memory, as are
  // the pointers; a block's numbers lie as the strides say.
  const void *const *key_blocks = nullptr, *const *value_blocks = nullptr;
  int block_rows = 0;
};

template <class Args>
using Kernel = void (*)(const Args &, Stream *);

struct Kernels {
  const char *name;  // "plain", "cpu", "cuda"
  Kernel<Preprocess> preprocess;
  Kernel<Change> change;
  Kernel<Histogram> histogram;
  Kernel<Norms> norms;
  Kernel<Similarity> similarity;
  Kernel<Components> components;
  Kernel<Tree> tree;
  Kernel<Nearest> nearest;
  Kernel<Means> means;
  Kernel<Convert> convert;
  Kernel<Quantize> quantize;
  Kernel<MatVec> matvec;
  Kernel<Attention> attention;
};

const Kernels &plain();  // plain C++: defines what is correct
const Kernels &
cpu();  // plain() overridden by what this CPU does faster; uses threads() threads (kernels/threads.h)
const Kernels *cuda();  // null where no GPU is usable; a null entry: copy to the host and use cpu()

}  // namespace vtok
