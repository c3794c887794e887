// How far what mode=incremental sent ahead is from the group's exact tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/drift.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cosine.h"
#include "kernels/kernels.h"
#include "models/norms.h"

namespace vtok {

void Drift::add(const Tokens &group, std::span<const Tokens> sent) {
  exact += group.n;
  int n = 0;
  for (const Tokens &tokens : sent) n += tokens.n;
  ahead += n;
  if (group.n == 0) return;
  const auto stream = host_device().make_stream();
  const Keys keys = keys_of(to_float32(to_host(group)), stream);
  const size_t width = size_t(keys.dim());
  std::vector<float> rows;  // [n, width]
  std::vector<float> norms;
  rows.reserve(size_t(n) * width);
  for (const Tokens &tokens : sent) {
    const Keys one = keys_of(to_float32(to_host(tokens)), stream);
    rows.insert(rows.end(), one.rows(), one.rows() + size_t(tokens.n) * width);
    norms.insert(norms.end(), one.norms.data(), one.norms.data() + one.norms.size());
  }
  std::vector<int> nearest(size_t(group.n));
  const Rows block{keys.rows(), group.n};
  if (n > 0)
    cpu().nearest({.x = &block,
                   .blocks = 1,
                   .d = keys.dim(),
                   .r = rows.data(),
                   .r_norms = norms.data(),
                   .m = n,
                   .labels = nearest.data()},
                  nullptr);
  for (size_t i = 0; i < size_t(group.n); i++) {
    const size_t j = size_t(nearest[i]);
    const double distance = n > 0 ? 1 - cosine(keys.rows() + i * width, &rows[j * width], keys.dim(),
                                               keys.norms.data()[i], norms[j])
                                  : 1;
    distances += distance;
    most = std::max(most, distance);
  }
}

}  // namespace vtok
