// Means of labelled rows, fast: rows sorted by label, columns shared out between threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "kernels/fast.h"
#include "kernels/simd.h"
#include "kernels/threads.h"

namespace vtok::fast {
namespace {

constexpr int kRun = 64;  // rows summed in float32 before they go into a double sum

struct Sorted {
  std::vector<const float *> rows;
  std::vector<float> weights;
  std::vector<size_t> end;  // of each label's rows
};

Sorted sort(const Means &a) {
  Sorted s{{}, {}, std::vector<size_t>(size_t(a.m) + 1)};
  size_t n = 0;
  for (int b = 0; b < a.blocks; b++) n += size_t(a.x[b].n);
  for (size_t i = 0; i < n; i++) s.end[size_t(a.labels[i]) + 1]++;
  for (size_t j = 1; j < s.end.size(); j++) s.end[j] += s.end[j - 1];
  s.rows.resize(n), s.weights.resize(n);
  std::fill_n(a.counts, a.m, 0);
  for (int b = 0, at = 0; b < a.blocks; b++)
    for (int i = 0; i < a.x[b].n; i++, at++) {
      const uint32_t weight = a.weights ? a.weights[at] : 1;
      a.counts[a.labels[at]] += weight;
      const size_t place = s.end[size_t(a.labels[at])]++;
      s.rows[place] = a.x[b].data + size_t(i) * size_t(a.d);
      s.weights[place] = float(weight);
    }
  return s;
}

}  // namespace

void means(const Means &a, Stream *) {
  constexpr int kColumns = 512, kLeast = 128;  // of a task
  Sorted sorted = sort(a);
  const auto columns = [&](int first, int width) {
    std::vector<const float *> rows(sorted.rows);
    for (const float *&row : rows) row += first;
    for (size_t j = 0; j < size_t(a.m); j++) {
      const size_t begin = j ? sorted.end[j - 1] : 0, count = sorted.end[j] - begin;
      const float *start = a.start ? a.start + j * size_t(a.d) + first : nullptr;
      float *out = a.out + j * size_t(a.d) + first;
      const double parts = double(a.counts[j]) + (start ? 1 : 0);
      if (parts == 0) {
        std::fill_n(out, width, 0.f);
        continue;
      }
      const float *const *row = rows.data() + begin;
      const float *weight = sorted.weights.data() + begin;
      if (count <= kRun) {
        simd::mean(row, weight, int(count), start, float(parts), width, out);
        continue;
      }
      double total[kColumns] = {};
      for (size_t i = 0; i < count; i += kRun) {
        float sum[kColumns];
        simd::mean(row + i, weight + i, int(std::min<size_t>(kRun, count - i)), nullptr, 1, width, sum);
        for (int c = 0; c < width; c++) total[c] += double(sum[c]);
      }
      for (int c = 0; c < width; c++) out[c] = float((total[c] + double(start ? start[c] : 0)) / parts);
    }
  };
  const size_t n = sorted.rows.size();
  if (n * size_t(a.d) < 1 << 18) {  // too little to be worth waking a thread
    for (int c = 0; c < a.d; c += kColumns) columns(c, std::min(kColumns, a.d - c));
    return;
  }
  const int share = (a.d + 2 * threads() - 1) / (2 * threads());
  const int width = std::clamp((share + 15) / 16 * 16, kLeast, kColumns);
  parallel_for((a.d + width - 1) / width,
               [&](int t) { columns(t * width, std::min(width, a.d - t * width)); });
}

}  // namespace vtok::fast
