// The most similar representative of each row.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/cosine.h"
#include "kernels/reference.h"

namespace vtok::reference {

void nearest(const Nearest &a, Stream *) {
  int *label = a.labels;
  for (int b = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i++, label++) {
      double best = 0;
      for (int j = 0; j < a.m; j++) {  // a row's own length does not change which is nearest
        const float *x = a.x[b].data + size_t(i) * a.d, *r = a.r + size_t(j) * a.d;
        double sum = 0;
        for (int c = 0; c < a.d; c++) sum += double(x[c]) * r[c];
        const double score = sum / std::max(a.r_norms[j], kLeastNorm);
        if (j == 0 || score > best) best = score, *label = j;
      }
    }
}

}  // namespace vtok::reference
