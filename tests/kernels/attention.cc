// Attention: a hand-computed case, and every table against plain().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/numbers.h"
#include "tests/kernels/tables.h"

using namespace vtok;
using test::Numbers, test::worst;

namespace {

constexpr uint32_t kSeed = 11;

}  // namespace

TEST_CASE("equal keys give the mean of the values a query sees") {
  const float q[] = {1, 2, 3, 4, 1, 1, 1, 1}, keys[] = {1, 1, 1, 1, 9, 9}, values[] = {1, 2, 3, 6, 100, 100};
  for (const Kernels *table : test::host_tables())
    for (bool causal : {false, true}) {
      float out[8] = {};
      table->attention({.q = q,
                        .query_stride = 4,
                        .keys = keys,
                        .values = values,
                        .bfloat16 = false,
                        .queries = 2,
                        .heads = 2,
                        .kv_heads = 1,
                        .head = 2,
                        .length = 2,
                        .row_stride = 2,
                        .head_stride = 6,
                        .causal = causal,
                        .scale = 0.5f,
                        .out = out},
                       nullptr);
      for (int h = 0; h < 4; h++) {
        const bool first = causal && h < 2;  // the first query sees the first key only
        CHECK(out[h * 2] == Approx(first ? 1 : 2));
        CHECK(out[h * 2 + 1] == Approx(first ? 2 : 4));
      }
    }
}

TEST_CASE("every table, over a cache and over interleaved rows") {
  std::mt19937 random(kSeed);
  for (const auto &[queries, length] :
       {std::pair{1, 1}, {1, 19}, {1, 500}, {2, 2}, {19, 111}, {300, 300}, {99, 500}, {260, 729}})
    for (const auto &[heads, kv_heads, head] : {std::tuple{7, 1, 64}, {10, 2, 8}, {4, 4, 18}, {2, 2, 72}})
      for (const bool bfloat16 : {false, true})
        for (const bool causal : {false, true})
          for (const bool cache : {false, true}) {
            const int64_t row = cache ? head : int64_t(kv_heads) * head,
                          stride = cache ? (length + 5) * row : head;
            const Numbers q(size_t(queries) * (heads * head + 7), random);
            const Numbers keys(size_t(kv_heads) * (length + 5) * head, random),
                values(keys.wide.size(), random);
            std::vector<float> expected(size_t(queries) * heads * head, NAN);
            Attention args{.q = q.wide.data(),
                           .query_stride = heads * head + 7,
                           .keys = keys.data(bfloat16),
                           .values = values.data(bfloat16),
                           .bfloat16 = bfloat16,
                           .queries = queries,
                           .heads = heads,
                           .kv_heads = kv_heads,
                           .head = head,
                           .length = length,
                           .row_stride = row,
                           .head_stride = stride,
                           .causal = causal,
                           .scale = 1 / std::sqrt(float(head)),
                           .out = expected.data()};
            plain().attention(args, nullptr);
            for (const Kernels *table : test::host_tables()) {
              std::vector<float> out(expected.size(), NAN);
              args.out = out.data();
              table->attention(args, nullptr);
              CAPTURE(table->name, queries, length, heads, kv_heads, head, bfloat16, causal, cache, kSeed);
              // Many queries in bfloat16: the softmax is rounded to 8 bits, the numbers are exact.
              CHECK(worst(out, expected) < (bfloat16 && queries > 1 ? 2e-2 : 1e-5));
            }
          }
}

TEST_CASE("blocks in any order are one piece") {
  std::mt19937 random(kSeed);
  constexpr int kHeads = 6, kKvHeads = 2, kHead = 24, kRows = 16;
  for (const auto &[queries, length] : {std::pair{1, 1}, {1, 16}, {1, 17}, {1, 100}, {5, 5}, {40, 64}, {33, 99}})
    for (const bool bfloat16 : {false, true}) {
      const int blocks = (length + kRows - 1) / kRows, block = kKvHeads * kRows * kHead;
      const size_t width = bfloat16 ? 2 : 4;
      const Numbers q(size_t(queries) * kHeads * kHead, random);
      const Numbers keys(size_t(blocks) * block, random), values(keys.wide.size(), random);
      // The blocks from last to first, and the same rows in one piece.
      std::vector<const void *> key_blocks, value_blocks;
      std::vector<char> key_piece(size_t(kKvHeads) * length * kHead * width), value_piece(key_piece.size());
      for (int b = 0; b < blocks; ++b) {
        const size_t at = size_t(blocks - 1 - b) * block * width;
        key_blocks.push_back(static_cast<const char *>(keys.data(bfloat16)) + at);
        value_blocks.push_back(static_cast<const char *>(values.data(bfloat16)) + at);
        for (int k = 0; k < kKvHeads; ++k)
          for (int t = b * kRows; t < std::min(length, (b + 1) * kRows); ++t) {
            const size_t from = (size_t(k) * kRows + t % kRows) * kHead * width,
                         to = (size_t(k) * length + t) * kHead * width;
            std::copy_n(static_cast<const char *>(key_blocks.back()) + from, kHead * width, &key_piece[to]);
            std::copy_n(static_cast<const char *>(value_blocks.back()) + from, kHead * width, &value_piece[to]);
          }
      }
      for (const Kernels *table : test::host_tables()) {
        std::vector<float> whole(q.wide.size(), NAN), paged(whole.size(), NAN);
        Attention args{.q = q.wide.data(),
                       .query_stride = kHeads * kHead,
                       .keys = key_piece.data(),
                       .values = value_piece.data(),
                       .bfloat16 = bfloat16,
                       .queries = queries,
                       .heads = kHeads,
                       .kv_heads = kKvHeads,
                       .head = kHead,
                       .length = length,
                       .row_stride = kHead,
                       .head_stride = int64_t(length) * kHead,
                       .causal = true,
                       .scale = 0.2f,
                       .out = whole.data()};
        table->attention(args, nullptr);
        args.keys = args.values = nullptr;
        args.key_blocks = key_blocks.data(), args.value_blocks = value_blocks.data();
        args.block_rows = kRows;
        args.head_stride = kRows * kHead;
        args.out = paged.data();
        table->attention(args, nullptr);
        CAPTURE(table->name, queries, length, bfloat16);
        CHECK(paged == whole);
      }
    }
}
