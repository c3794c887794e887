// Keys and values of the rows a language model has read.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace vtok {

struct KvCache {
  struct Layer {
    at::Tensor keys,
        values;  // [kv_heads, capacity, head_dim], the placement's type; keys are rotated already
  };
  std::vector<Layer> layers;
  int64_t length = 0;    // rows in use, the same in every layer
  int64_t capacity = 0;  // rows there is room for

  KvCache(size_t count, int64_t kv_heads, int64_t head_dim, at::TensorOptions options) : layers(count) {
    for (Layer &layer : layers) layer.keys = layer.values = at::empty({kv_heads, 0, head_dim}, options);
  }

  /// Makes room for `rows` in all, keeping what is there; doubles, so that growing costs a copy now and then.
  void reserve(int64_t rows) {
    if (rows <= capacity) return;
    const int64_t wanted = std::max<int64_t>({rows, 2 * capacity, 256});
    for (Layer &layer : layers)
      for (at::Tensor *kept : {&layer.keys, &layer.values}) {
        at::Tensor larger = at::empty({kept->size(0), wanted, kept->size(2)}, kept->options());
        larger.narrow(1, 0, length).copy_(kept->narrow(1, 0, length));
        *kept = larger;
      }
    capacity = wanted;
  }
  void truncate(int64_t rows) { length = std::min(length, rows); }
};

}  // namespace vtok
