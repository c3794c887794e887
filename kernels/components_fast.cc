// Connected components, fast: each tile of cosines becomes bits while it is in the cache.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "kernels/cosines.h"
#include "kernels/fast.h"
#include "kernels/forest.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {
namespace {

using Tile = Cosines::Tile;

size_t words(const Tile &tile) { return size_t(tile.width() + 63) / 64; }  // of bits in a tile's row

// Cosines of one tile -> bits [height, words]; adds to the degrees of both ends.
void link(const Cosines &cosines, const Tile &tile, float above, uint64_t *bits, int *degrees) {
  const size_t width = size_t(tile.width());
  float *g = scratch(size_t(tile.height()) * width);
  cosines.compute(tile, g);
  std::vector<int> columns(width);
  for (int i = tile.top; i < tile.bottom; i++) {
    float *row = g + size_t(i - tile.top) * width;
    std::fill_n(row, std::min(size_t(tile.first(i)), width), -2.f);  // passed over
    const int count =
        simd::links(row, above, tile.width(), bits + size_t(i - tile.top) * words(tile), columns.data());
    std::atomic_ref(degrees[i]).fetch_add(count, std::memory_order_relaxed);
  }
  for (size_t j = 0; j < width; j++)
    if (columns[j])
      std::atomic_ref(degrees[size_t(tile.left) + j]).fetch_add(columns[j], std::memory_order_relaxed);
}

void unite(const Tile &tile, const uint64_t *bits, const uint8_t *sampled, Forest &sets) {
  for (int i = tile.top; i < tile.bottom; i++) {
    int root = sets.find(i);
    for (size_t w = 0; w < words(tile); w++)
      for (uint64_t word = *bits++; word; word &= word - 1) {
        const int j = tile.left + int(w * 64) + std::countr_zero(word);
        if (!sampled || sampled[i] || sampled[j]) root = sets.unite_root(root, j);
      }
  }
}

}  // namespace

void components(const Components &a, Stream *) {
  constexpr size_t kWords = 1 << 19;  // 4 MB of bits at a time
  float above = float(a.tau);         // the greatest float <= tau: cosine > above exactly where cosine > tau
  if (above > a.tau) above = std::nextafter(above, -2.f);
  const Cosines cosines(a.x, a.norms, a.n, a.d);
  const auto &tiles = cosines.tiles;
  Forest sets(a.n);
  std::fill_n(a.degrees, a.n, 1);
  std::vector<uint64_t> bits;
  std::vector<size_t> at;  // where in bits each tile of the batch starts
  for (size_t begin = 0, end; begin < tiles.size(); begin = end) {
    size_t size = 0;
    at.clear();
    for (end = begin; end < tiles.size() && (end == begin || size < kWords); end++) {
      at.push_back(size);
      size += size_t(tiles[end].height()) * words(tiles[end]);
    }
    if (bits.size() < size) bits.resize(size);
    parallel_for(int(end - begin), [&](int task) {
      link(cosines, tiles[begin + size_t(task)], above, bits.data() + at[size_t(task)], a.degrees);
    });
    for (size_t t = begin; t < end; t++) unite(tiles[t], bits.data() + at[t - begin], a.sampled, sets);
  }
  *a.count = number_by_hub(sets, a.n, a.degrees, a.labels, a.hubs);
}

}  // namespace vtok::fast
