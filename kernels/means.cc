// Means of labelled rows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "kernels/reference.h"

namespace vtok::reference {

void means(const Means &a, Stream *) {
  std::vector<double> sums(size_t(a.m) * a.d);
  std::fill_n(a.counts, a.m, 0);
  for (int b = 0, at = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i++, at++) {
      const uint32_t weight = a.weights ? a.weights[at] : 1;
      const size_t label = size_t(a.labels[at]);
      a.counts[label] += weight;
      for (int c = 0; c < a.d; c++)
        sums[label * a.d + c] += double(weight) * a.x[b].data[size_t(i) * a.d + c];
    }
  for (int j = 0; j < a.m; j++)
    for (size_t k = size_t(j) * a.d; k < size_t(j + 1) * a.d; k++) {
      const double parts = double(a.counts[j]) + (a.start ? 1 : 0);
      a.out[k] = parts == 0 ? 0 : float((sums[k] + (a.start ? a.start[k] : 0)) / parts);
    }
}

}  // namespace vtok::reference
