// The most similar representative of each row.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/cosine.h"
#include "kernels/reference.h"

namespace vtok::reference {

void cosines_of_nearest(const Nearest &a) {
  for (int b = 0, at = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i++, at++) {
      const float *x = a.x[b].data + size_t(i) * a.d;
      const size_t j = size_t(a.labels[at]);
      a.cosines[at] = cosine(x, a.r + j * a.d, a.d, length(x, a.d), a.r_norms[j]);
    }
}

void nearest(const Nearest &a, Stream *) {
  int *label = a.labels;
  for (int b = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i++, label++) {
      const float *x = a.x[b].data + size_t(i) * a.d;
      double best = 0;
      for (int j = 0; j < a.m; j++) {  // a row's own length does not change which is nearest
        const float *r = a.r + size_t(j) * a.d;
        double sum = 0;
        for (int c = 0; c < a.d; c++) sum += double(x[c]) * r[c];
        const double score = sum / std::max(a.r_norms[j], kLeastNorm);
        if (j == 0 || score > best) best = score, *label = j;
      }
    }
  if (a.cosines) cosines_of_nearest(a);
}

}  // namespace vtok::reference
