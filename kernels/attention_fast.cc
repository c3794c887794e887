// Attention in SIMD on every thread: one query streams over keys and values, many go through matrix products.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/fast.h"
#include "kernels/onednn.h"
#include "kernels/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_fast.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Needs the lines above.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vtok::fast::HWY_NAMESPACE {

/// Lane i of what comes back is the sum over all lanes of sums[i]; `sums` is scratch.
HWY_INLINE V SumEach(V *sums) {
#if HWY_TARGET != HWY_SCALAR
  const D d;
  for (int n = int(hn::Lanes(d)); n > 1; n /= 2)
    for (int i = 0; i < n / 2; i++) {
      const V a = sums[2 * i], b = sums[2 * i + 1];
      sums[i] = hn::Add(hn::ConcatEven(d, b, a), hn::ConcatOdd(d, b, a));
    }
#endif
  return sums[0];
}

/// The part of <row, q> that whole vectors make.
template <class T>
HWY_INLINE V PartDot(const T *row, const float *q, int n) {
  const int lanes = int(hn::Lanes(D()));
  V a = hn::Zero(D()), b = a;
  int i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = hn::MulAdd(load(row + i), load(q + i), a);
    b = hn::MulAdd(load(row + i + lanes), load(q + i + lanes), b);
  }
  for (; i + lanes <= n; i += lanes) a = hn::MulAdd(load(row + i), load(q + i), a);
  return hn::Add(a, b);
}

/// out[t] = <row t, q>: as many rows at a time as a vector has lanes, so that sums over lanes are made for all at once. What a
/// row gives does not depend on where in `rows` it is.
template <class T>
void Dots(const T *rows, int64_t stride, int count, const float *q, int n, float *out) {
  const D d;
  const int lanes = int(hn::Lanes(d)), whole = n - n % lanes;
  for (int t = 0; t < count; t += lanes) {
    const int now = std::min(lanes, count - t);
    V sums[HWY_MAX_BYTES / sizeof(float)];
    for (int i = 0; i < now; i++) sums[i] = PartDot(rows + (t + i) * stride, q, n);
    for (int i = now; i < lanes; i++) sums[i] = hn::Zero(d);
    float each[HWY_MAX_BYTES / sizeof(float)];
    hn::StoreU(SumEach(sums), d, each);
    std::copy_n(each, now, out + t);
  }
  for (int c = whole; c < n; c++)
    for (int t = 0; t < count; t++) out[t] += widen(rows[t * stride + c]) * q[c];
}

/// `kVectors` vectors of columns of: out += the sum over t of scale[t] * row t.
template <int kVectors, class T>
void AddVectors(const T *rows, int64_t stride, int count, const float *scale, float *out) {
  const D d;
  const int lanes = int(hn::Lanes(d));
  V sums[kVectors];
  for (int v = 0; v < kVectors; v++) sums[v] = load(out + v * lanes);
  for (int t = 0; t < count; t++)
    for (int v = 0; v < kVectors; v++) sums[v] = hn::MulAdd(load(rows + t * stride + v * lanes), hn::Set(d, scale[t]), sums[v]);
  for (int v = 0; v < kVectors; v++) hn::StoreU(sums[v], d, out + v * lanes);
}

template <class T>
void AddScaled(const T *rows, int64_t stride, int count, const float *scale, float *out, int n) {
  const int lanes = int(hn::Lanes(D()));
  int i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) AddVectors<4>(rows + i, stride, count, scale, out + i);
  for (; i + lanes <= n; i += lanes) AddVectors<1>(rows + i, stride, count, scale, out + i);
  for (; i < n; i++)
    for (int t = 0; t < count; t++) out[i] += widen(rows[t * stride + i]) * scale[t];
}

/// x[i] = exp(x[i] * scale - max), their sum; x beyond n up to `padded` becomes 0.
float Exponentials(float *x, float scale, int n, int padded) {
  const D d;
  const int lanes = int(hn::Lanes(d));
  V top = hn::Set(d, -INFINITY);
  int i = 0;
  for (; i + lanes <= n; i += lanes) top = hn::Max(top, hn::LoadU(d, x + i));
  float most = hn::GetLane(hn::MaxOfLanes(d, top));
  for (; i < n; i++) most = std::max(most, x[i]);
  const V shift = hn::Set(d, -most * scale), factor = hn::Set(d, scale);
  V sums = hn::Zero(d);
  for (i = 0; i + lanes <= n; i += lanes) {
    const V e = hn::Exp(d, hn::MulAdd(hn::LoadU(d, x + i), factor, shift));
    sums = hn::Add(sums, e);
    hn::StoreU(e, d, x + i);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < n; i++) sum += x[i] = std::exp(x[i] * scale - most * scale);
  std::fill(x + n, x + std::max(n, padded), 0.f);
  return sum;
}

/// float32 to bfloat16, to nearest even. No NaN.
void Narrow(const float *x, uint16_t *out, int n) {
  const hn::RebindToUnsigned<D> wide;
  const hn::Rebind<uint16_t, D> narrow;
  const int lanes = int(hn::Lanes(D()));
  int i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::BitCast(wide, hn::LoadU(D(), x + i));
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(wide, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(wide, 0x7fff))));
    hn::StoreU(hn::TruncateTo(narrow, rounded), narrow, out + i);
  }
  for (; i < n; i++) {
    uint32_t bits;
    hwy::CopyBytes<4>(x + i, &bits);
    out[i] = uint16_t((bits + (bits >> 16 & 1) + 0x7fff) >> 16);
  }
}

/// Row t of head k in one piece or in blocks.
template <class T>
const T *RowOf(const Attention &a, const void *data, const void *const *blocks, int64_t first, int t) {
  if (!blocks) return static_cast<const T *>(data) + first + t * a.row_stride;
  return static_cast<const T *>(blocks[t / a.block_rows]) + first + t % a.block_rows * a.row_stride;
}

/// One query of one head; `weight` [length] is scratch.
template <class T>
void StreamTyped(const Attention &a, int h, float *weight) {
  const int64_t first = h / (a.heads / a.kv_heads) * a.head_stride;
  const int piece = a.key_blocks ? a.block_rows : a.length;
  for (int from = 0; from < a.length; from += piece) {
    const T *keys = RowOf<T>(a, a.keys, a.key_blocks, first, from);
    Dots(keys, a.row_stride, std::min(piece, a.length - from), a.q + h * a.head, a.head, weight + from);
  }
  const float sum = Exponentials(weight, a.scale, a.length, 0);
  for (int t = 0; t < a.length; t++) weight[t] /= sum;
  float *out = a.out + h * a.head;
  std::fill_n(out, a.head, 0.f);
  for (int from = 0; from < a.length; from += piece) {
    const T *values = RowOf<T>(a, a.values, a.value_blocks, first, from);
    AddScaled(values, a.row_stride, std::min(piece, a.length - from), weight + from, out, a.head);
  }
}
void StreamHead(const Attention &a, int h, float *weight) {
  a.bfloat16 ? StreamTyped<uint16_t>(a, h, weight) : StreamTyped<float>(a, h, weight);
}

}  // namespace vtok::fast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vtok::fast {
HWY_EXPORT(StreamHead);
HWY_EXPORT(Exponentials);
HWY_EXPORT(Narrow);

namespace {

using Type = dnnl::memory::data_type;

constexpr int kBlock = 128;  // queries at a time, at most

/// c [m, n] = a [m, k] b [k, n], float32 c; b's strides say whether it is transposed.
void multiply(Type type, int m, int n, int k, const void *a, const void *b, int64_t b_row, int64_t b_column,
              float *c) {
  thread_local dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  thread_local dnnl::stream stream(engine);
  const dnnl::memory::desc da({m, k}, type, dnnl::memory::dims{k, 1}),
      db({k, n}, type, dnnl::memory::dims{b_row, b_column}), dc({m, n}, Type::f32, dnnl::memory::dims{n, 1});
  const dnnl::matmul product = matmul(engine, da, db, dc);  // cached by oneDNN
  product.execute(stream, {{DNNL_ARG_SRC, {da, engine, const_cast<void *>(a)}},
                           {DNNL_ARG_WEIGHTS, {db, engine, const_cast<void *>(b)}},
                           {DNNL_ARG_DST, {dc, engine, c}}});
  stream.wait();
}

struct Scratch {
  std::vector<float> q, scores, out;
  std::vector<uint16_t> narrow_q, narrow_scores;
  std::vector<char> keys, values;
};

/// The first `n` rows without gaps between them: oneDNN's fast products want that. Copied to `copy` where
/// there are gaps.
const char *dense(const Attention &a, const void *data, int h, int n, std::vector<char> &copy) {
  const size_t width = a.bfloat16 ? 2 : 4, row = a.head * width;
  const char *from = static_cast<const char *>(data) + h / (a.heads / a.kv_heads) * a.head_stride * width;
  if (a.row_stride == a.head) return from;
  copy.resize(std::max(copy.size(), n * row));
  for (int t = 0; t < n; t++) std::copy_n(from + t * a.row_stride * width, row, copy.data() + t * row);
  return copy.data();
}

/// Queries [from, to) of head h.
void block(const Attention &a, int h, int from, int to) {
  thread_local Scratch s;
  const int m = to - from,
            seen = a.causal ? a.length - a.queries + to : a.length;  // keys the block's last query sees
  const size_t wide = size_t(m) * a.head, scores = size_t(m) * seen;
  s.q.resize(std::max(s.q.size(), wide));
  s.out.resize(std::max(s.out.size(), wide));
  s.scores.resize(std::max(s.scores.size(), scores));
  for (int i = 0; i < m; i++)
    std::copy_n(a.q + (from + i) * a.query_stride + h * a.head, a.head, s.q.data() + i * a.head);
  const char *keys = dense(a, a.keys, h, seen, s.keys), *values = dense(a, a.values, h, seen, s.values);
  const Type type = a.bfloat16 ? Type::bf16 : Type::f32;
  const void *left = s.q.data();
  if (a.bfloat16) {
    s.narrow_q.resize(std::max(s.narrow_q.size(), wide));
    s.narrow_scores.resize(std::max(s.narrow_scores.size(), scores));
    HWY_DYNAMIC_DISPATCH(Narrow)(s.q.data(), s.narrow_q.data(), int(wide));
    left = s.narrow_q.data();
  }
  multiply(type, m, seen, a.head, left, keys, 1, a.head, s.scores.data());
  float sums[kBlock];
  for (int i = 0; i < m; i++) {
    const int own = a.causal ? seen - m + i + 1 : seen;
    sums[i] = HWY_DYNAMIC_DISPATCH(Exponentials)(s.scores.data() + size_t(i) * seen, a.scale, own, seen);
    if (a.bfloat16) HWY_DYNAMIC_DISPATCH(Narrow)
    (s.scores.data() + size_t(i) * seen, s.narrow_scores.data() + size_t(i) * seen, seen);
  }
  left = a.bfloat16 ? static_cast<const void *>(s.narrow_scores.data()) : s.scores.data();
  multiply(type, m, a.head, seen, left, values, a.head, 1, s.out.data());
  for (int i = 0; i < m; i++)
    for (int c = 0; c < a.head; c++)
      a.out[(int64_t(from + i) * a.heads + h) * a.head + c] = s.out[size_t(i * a.head + c)] / sums[i];
}

/// The rows of all blocks without gaps: [kv_heads, length, head].
void join(const Attention &a, const void *const *blocks, std::vector<char> &joined) {
  const size_t width = a.bfloat16 ? 2 : 4, row = a.head * width;
  joined.resize(std::max(joined.size(), size_t(a.kv_heads) * a.length * row));
  char *out = joined.data();
  parallel_for((a.length + a.block_rows - 1) / a.block_rows, [&](int b) {
    const int first = b * a.block_rows, n = std::min(a.block_rows, a.length - first);
    for (int k = 0; k < a.kv_heads; k++) {
      const char *from = static_cast<const char *>(blocks[b]) + k * a.head_stride * width;
      char *to = out + (size_t(k) * a.length + first) * row;
      if (a.row_stride == a.head)
        std::copy_n(from, n * row, to);
      else
        for (int t = 0; t < n; t++) std::copy_n(from + t * a.row_stride * width, row, to + t * row);
    }
  });
}

}  // namespace

void attention(const Attention &a, Stream *stream) {
  if (a.key_blocks && a.queries > 1) {  // the products want keys in one piece; copying costs little beside them
    thread_local std::vector<char> keys, values;
    join(a, a.key_blocks, keys);
    join(a, a.value_blocks, values);
    Attention whole = a;
    whole.keys = keys.data(), whole.values = values.data();
    whole.key_blocks = whole.value_blocks = nullptr;
    whole.row_stride = a.head, whole.head_stride = int64_t(a.length) * a.head;
    return attention(whole, stream);
  }
  if (a.queries == 1) {
    const int parts = int64_t(a.length) * a.head * a.heads < (1 << 16) ? 1 : std::min(threads(), a.heads);
    parallel_for(parts, [&](int p) {
      std::vector<float> weight(size_t(a.length));
      for (int h = a.heads * p / parts; h < a.heads * (p + 1) / parts; h++)
        HWY_DYNAMIC_DISPATCH(StreamHead)(a, h, weight.data());
    });
    return;
  }
  // As many queries at a time as leave their scores in the second-level cache.
  const int rows = std::clamp((1 << 17) / a.length / 16 * 16, 32, kBlock),
            blocks = (a.queries + rows - 1) / rows;
  parallel_for(blocks * a.heads, [&](int i) {
    const int from = i / a.heads * rows;
    block(a, i % a.heads, from, std::min(from + rows, a.queries));
  });
}

}  // namespace vtok::fast
#endif
