// Frames of tokens for tests of compressors.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "models/tokens.h"

namespace vtok::test {

/// float32 tokens [n, d]; token i stands at row i / 14, column i % 14, at `time`.
inline Tokens frame(const float *values, int n, int d, int64_t time = 0) {
  void *memory;
  Tokens t = allocate_tokens(Type::kFloat32, n, d, memory);
  if (n > 0) std::memcpy(memory, values, t.bytes());
  for (int i = 0; i < n; i++)
    t.records[size_t(i)] = {.time = time, .row = uint16_t(i / 14), .column = uint16_t(i % 14)};
  return t;
}

inline Tokens frame(const std::vector<float> &values, int d, int64_t time = 0) {
  return frame(values.data(), int(values.size()) / d, d, time);
}

inline std::vector<float> values(const Tokens &tokens) {
  const Tokens t = to_float32(tokens);
  const auto *x = static_cast<const float *>(t.data.get());
  return {x, x + size_t(t.n) * size_t(t.dim)};
}

inline int64_t weight(const Tokens &tokens) {
  int64_t sum = 0;
  for (const Record &r : tokens.records) sum += r.weight;
  return sum;
}

inline bool finite(const Tokens &tokens) {
  for (float v : values(tokens))
    if (!std::isfinite(v)) return false;
  return true;
}

/// Time, then place, rising strictly: the order tokens came in.
inline bool in_order(const Tokens &tokens) {
  for (size_t i = 1; i < tokens.records.size(); i++) {
    const Record &a = tokens.records[i - 1], &b = tokens.records[i];
    if (std::tuple(a.time, a.row, a.column) >= std::tuple(b.time, b.row, b.column)) return false;
  }
  return true;
}

/// The row of that name.
template <class Methods>
const auto &method(const Methods &methods, const std::string &name) {
  for (const auto &m : methods)
    if (m.name == name) return m;
  throw std::runtime_error("no method named " + name);
}

}  // namespace vtok::test
