// Maximum spanning tree of the cosines, grown from token 0 (Prim).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <tuple>
#include <vector>

#include "kernels/cosine.h"
#include "kernels/reference.h"

namespace vtok::reference {

void tree(const Tree &a, Stream *) {
  struct Edge {
    float cosine = -2;  // below every cosine
    int from = 0, to = 0;
    bool before(const Edge &o) const {  // falling cosines; ties by index: no two edges are equal
      return std::tuple(-cosine, from, to) < std::tuple(-o.cosine, o.from, o.to);
    }
  };
  std::vector<Edge> best(static_cast<size_t>(a.n)), edges;  // best: from the tree to each token outside
  std::vector<bool> in(static_cast<size_t>(a.n));
  for (int i = 0, newest = 0; i + 1 < a.n; i++) {
    in[size_t(newest)] = true;
    int next = -1;
    for (int j = 0; j < a.n; j++) {
      if (in[size_t(j)]) continue;
      const double c =
          cosine(a.x + size_t(newest) * a.d, a.x + size_t(j) * a.d, a.d, a.norms[newest], a.norms[j]);
      const Edge edge{float(c), std::min(newest, j), std::max(newest, j)};
      if (edge.before(best[size_t(j)])) best[size_t(j)] = edge;
      if (next < 0 || best[size_t(j)].before(best[size_t(next)])) next = j;
    }
    edges.push_back(best[size_t(next)]);
    newest = next;
  }
  std::sort(edges.begin(), edges.end(), [](const Edge &l, const Edge &r) { return l.before(r); });
  for (size_t i = 0; i < edges.size(); i++)
    std::tie(a.cosines[i], a.from[i], a.to[i]) = std::tie(edges[i].cosine, edges[i].from, edges[i].to);
}

}  // namespace vtok::reference
