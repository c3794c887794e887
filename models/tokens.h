// Tokens: the rows an encoder makes, compressors thin out and a language model reads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace vtok {

class DeviceMemory;

enum class Type : uint8_t { kFloat32, kFloat16, kBfloat16, kFloat8, kInt8 };

/// Name in caps ("float32", "float16", "bfloat16", "float8-e4m3", "int8") and bytes per number.
const char *type_name(Type type);
size_t type_size(Type type);
bool parse_type(const std::string &name, Type &out);  // false: no such name

/// What is known of one token beside its numbers; the layout of a buffer's memory 1 (docs/format.md), little-endian.
struct Record {
  int64_t time = 0;      // ns from the buffer's PTS to the source frame
  uint16_t row = 0;      // place in the source grid; a merged token carries the time and place of its hub
  uint16_t column = 0;
  uint32_t weight = 1;   // source tokens it stands for
  float scale = 1;       // of int8 and float8 tokens; 1 otherwise
  uint32_t flags = 0;
  bool operator==(const Record &) const = default;
};
static_assert(sizeof(Record) == 24);

/// n tokens of one space, row-major [n, dim], contiguous. Copies share the numbers; who writes makes new ones.
struct Tokens {
  Type type = Type::kFloat32;
  int n = 0;
  int dim = 0;
  std::shared_ptr<const void> data;  // [n, dim]; the deleter gives back whatever holds it (a mapped GstMemory, a tensor)
  std::vector<Record> records;       // n
  int levels = 1;  // a token is this many rows of dim / levels numbers; it is compared by the first
  std::shared_ptr<DeviceMemory> memory;  // device memory that data points into; null: host memory

  int device() const;  // CUDA ordinal; -1: host memory
  size_t bytes() const { return size_t(n) * dim * type_size(type); }
  const void *row(int i) const {
    return static_cast<const char *>(data.get()) + size_t(i) * dim * type_size(type);
  }
};

/// Uninitialised host memory for [n, dim], 64-byte aligned; `writable` points at it until the caller lets go.
Tokens allocate_tokens(Type type, int n, int dim, void *&writable);

/// Host float32 [n, dim] of any host tokens: shares float32 data, converts the other types (int8/float8 by records' scale).
/// Throws std::invalid_argument for device memory.
Tokens to_float32(const Tokens &tokens);

/// Host tokens in another number type, from float32. Rounds to nearest even.
Tokens from_float32(const Tokens &tokens, Type type);

}  // namespace vtok
