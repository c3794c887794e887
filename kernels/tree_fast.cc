// Maximum spanning tree of the cosines, fast: in each round every set joins along its best edge (Boruvka).
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A round is one pass over tiles of cosines; those of a small matrix are kept between rounds.
#include <algorithm>
#include <memory>
#include <mutex>
#include <tuple>

#include "kernels/cosines.h"
#include "kernels/fast.h"
#include "kernels/forest.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {
namespace {

struct Edge {
  float cosine = -2;  // below every cosine: none
  int from = 0, to = 0;
  bool before(const Edge &o) const {  // a total order, so that joining along best edges closes no circle
    return std::tuple(-cosine, from, to) < std::tuple(-o.cosine, o.from, o.to);
  }
};

// The best edge that leaves its set, for each token that the tile has a pair of.
void search(const Cosines::Tile &tile, const float *g, const int *sets, std::mutex &mutex,
            std::vector<Edge> &best) {
  const int width = tile.width();
  std::vector<float> column_best(size_t(width), -2.f);
  std::vector<int> column_index(static_cast<size_t>(width));
  std::vector<Edge> rows;
  for (int i = tile.top; i < tile.bottom; i++) {
    const int skip = std::min(tile.first(i), width);
    const simd::Best found =
        simd::outside(g + size_t(i - tile.top) * size_t(width) + skip, sets + tile.left + skip, sets[i], i,
                      width - skip, column_best.data() + skip, column_index.data() + skip);
    rows.push_back({found.value, i, tile.left + skip + found.index});
  }
  const auto offer = [&](int token, const Edge &edge) {
    if (edge.cosine > -2 && edge.before(best[size_t(token)])) best[size_t(token)] = edge;
  };
  std::lock_guard lock(mutex);
  for (const Edge &edge : rows) offer(edge.from, edge);
  for (int j = 0; j < width; j++)
    offer(tile.left + j, {column_best[size_t(j)], column_index[size_t(j)], tile.left + j});
}

}  // namespace

void tree(const Tree &a, Stream *) {
  constexpr int kKept =
      8192;  // tokens up to which tiles are kept: 0.5 n^2 cosines and the squares on the diagonal
  const Cosines cosines(a.x, a.norms, a.n, a.d);
  std::vector<std::unique_ptr<float[]>> kept(a.n <= kKept ? cosines.tiles.size() : 0);
  Forest forest(a.n);
  std::vector<Edge> edges;
  std::vector<int> sets(static_cast<size_t>(a.n));
  while (int(edges.size()) + 1 < a.n) {
    for (int i = 0; i < a.n; i++) sets[size_t(i)] = forest.find(i);
    std::vector<Edge> best(static_cast<size_t>(a.n));  // of each token, then of each set at its root
    std::mutex mutex;
    parallel_for(int(cosines.tiles.size()), [&](int task) {
      const Cosines::Tile &tile = cosines.tiles[size_t(task)];
      const size_t size = size_t(tile.height()) * size_t(tile.width());
      float *g;
      if (kept.empty()) {
        cosines.compute(tile, g = scratch(size));
      } else if (auto &mine = kept[size_t(task)]; mine) {
        g = mine.get();
      } else {
        mine.reset(g = new float[size]);
        cosines.compute(tile, g);
      }
      search(tile, g, sets.data(), mutex, best);
    });
    for (size_t i = 0; i < best.size(); i++)
      if (Edge &b = best[size_t(sets[i])]; best[i].before(b)) b = best[i];
    for (size_t i = 0; i < best.size(); i++)
      if (sets[i] == int(i) && forest.unite(best[i].from, best[i].to)) edges.push_back(best[i]);
  }
  std::sort(edges.begin(), edges.end(), [](const Edge &l, const Edge &r) { return l.before(r); });
  for (size_t i = 0; i < edges.size(); i++)
    std::tie(a.cosines[i], a.from[i], a.to[i]) = std::tie(edges[i].cosine, edges[i].from, edges[i].to);
}

}  // namespace vtok::fast
