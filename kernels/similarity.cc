// Lengths of rows and the cosines of all pairs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/cosine.h"
#include "kernels/reference.h"

namespace vtok::reference {

void norms(const Norms &a, Stream *) {
  for (int i = 0; i < a.n; i++) a.out[i] = length(a.x + size_t(i) * a.d, a.d);
}

void similarity(const Similarity &a, Stream *) {
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++)
      a.out[size_t(i) * a.n + j] =
          float(cosine(a.x + size_t(i) * a.d, a.x + size_t(j) * a.d, a.d, a.norms[i], a.norms[j]));
}

}  // namespace vtok::reference
