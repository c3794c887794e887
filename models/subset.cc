// Keeping some of the tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/subset.h"

#include <algorithm>
#include <numeric>

namespace vtok {

std::vector<int> evenly_spaced(int n, int keep) {
  std::vector<int> rows(static_cast<size_t>(keep));
  for (int64_t i = 0; i < keep; i++) rows[size_t(i)] = int((2 * i + 1) * n / (2 * int64_t(keep)));
  return rows;
}

std::vector<int> at_random(int n, int keep, std::mt19937_64 &random) {
  std::vector<int> rows(static_cast<size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  for (int i = 0; i < keep; i++) std::swap(rows[size_t(i)], rows[size_t(i) + random() % uint64_t(n - i)]);
  rows.resize(size_t(keep));
  std::sort(rows.begin(), rows.end());
  return rows;
}

Tokens subset(const Tokens &tokens, const std::vector<int> &rows, const std::shared_ptr<Stream> &stream) {
  void *memory;
  Tokens out = allocate_tokens(tokens.type, int(rows.size()), tokens.dim, stream, memory);
  out.levels = tokens.levels;
  const Use reading(tokens, *stream), writing(out, *stream);
  const size_t row = tokens.n > 0 ? tokens.bytes() / size_t(tokens.n) : 0;
  const bool known = tokens.records.size() == size_t(tokens.n);
  for (size_t j = 0; j < rows.size(); j++) {
    stream->copy(static_cast<char *>(memory) + j * row, tokens.row(rows[j]), row);
    out.records[j] = known ? tokens.records[size_t(rows[j])] : Record{};
    out.records[j].weight = 0;
  }
  size_t owner = 0;
  for (int i = 0; i < tokens.n && !rows.empty(); i++) {
    while (owner + 1 < rows.size() && rows[owner + 1] <= i) owner++;
    out.records[owner].weight += known ? tokens.records[size_t(i)].weight : 1;
  }
  return out;
}

}  // namespace vtok
