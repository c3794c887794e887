// Means of labelled rows, fast: rows sorted by label, columns shared out between threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "kernels/fast.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {

void means(const Means &a, Stream *) {
  constexpr int kColumns = 256;  // of a task: sums stay in the first-level cache
  constexpr int kRun = 64;       // rows summed in float32 before they go into the double sum
  struct Row {
    const float *data;
    uint32_t weight;
  };
  std::vector<size_t> end(size_t(a.m) + 1);  // of each label's rows, in sorted order
  size_t n = 0;
  for (int b = 0; b < a.blocks; b++) n += size_t(a.x[b].n);
  for (size_t i = 0; i < n; i++) end[size_t(a.labels[i]) + 1]++;
  for (size_t j = 1; j < end.size(); j++) end[j] += end[j - 1];
  std::vector<Row> rows(n);
  std::fill_n(a.counts, a.m, 0);
  for (int b = 0, at = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i++, at++) {
      const uint32_t weight = a.weights ? a.weights[at] : 1;
      a.counts[a.labels[at]] += weight;
      rows[end[size_t(a.labels[at])]++] = {a.x[b].data + size_t(i) * size_t(a.d), weight};
    }
  const auto columns = [&](int first) {
    const int width = std::min(kColumns, a.d - first);
    for (size_t j = 0; j < size_t(a.m); j++) {
      double total[kColumns] = {};
      for (size_t i = j ? end[j - 1] : 0; i < end[j];) {
        float sum[kColumns] = {};
        for (const size_t stop = std::min(end[j], i + kRun); i < stop; i++)
          simd::add(sum, rows[i].data + first, float(rows[i].weight), width);
        for (int c = 0; c < width; c++) total[c] += double(sum[c]);
      }
      const float *start = a.start ? a.start + j * size_t(a.d) + first : nullptr;
      const double parts = double(a.counts[j]) + (start ? 1 : 0);
      for (int c = 0; c < width; c++)
        a.out[j * size_t(a.d) + size_t(first + c)] =
            parts == 0 ? 0 : float((total[c] + double(start ? start[c] : 0)) / parts);
    }
  };
  const int tasks = (a.d + kColumns - 1) / kColumns;
  if (n * size_t(a.d) < 1 << 20)  // too little to be worth waking a thread
    for (int t = 0; t < tasks; t++) columns(t * kColumns);
  else
    parallel_for(tasks, [&](int t) { columns(t * kColumns); });
}

}  // namespace vtok::fast
