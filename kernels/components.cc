// Connected components of the tokens whose cosine is above tau.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "kernels/cosine.h"
#include "kernels/forest.h"
#include "kernels/reference.h"

namespace vtok::reference {

void components(const Components &a, Stream *) {
  Forest sets(a.n);
  std::fill_n(a.degrees, a.n, 1);
  for (int i = 0; i < a.n; i++)
    for (int j = i + 1; j < a.n; j++) {
      if (!(cosine(a.x + size_t(i) * a.d, a.x + size_t(j) * a.d, a.d, a.norms[i], a.norms[j]) > a.tau))
        continue;
      a.degrees[i]++;
      a.degrees[j]++;
      if (!a.sampled || a.sampled[i] || a.sampled[j]) sets.unite(i, j);
    }
  *a.count = number_by_hub(sets, a.n, a.degrees, a.labels, a.hubs);
}

}  // namespace vtok::reference
