// Number types of tokens: names, sizes, aligned memory and conversion to and from float32.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokens.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include "kernels/device_memory.h"
#include "kernels/half.h"
#include "models/error.h"

namespace vtok {
namespace {

struct TypeRow {
  const char *name;
  size_t size;  // bytes
};
constexpr TypeRow kTypes[] = {
    {"float32", 4}, {"float16", 2}, {"bfloat16", 2}, {"float8-e4m3", 1}, {"int8", 1}};

// The greatest value of a scaled type: a row is divided by scale = max |x| / kTop before rounding.
constexpr float kTopFloat8 = 448, kTopInt8 = 127;

// E4M3 without infinities (OCP 8-bit floating point): bias 7, 0x7f and 0xff are NaN.
float from_float8(uint8_t b) {
  const int exponent = b >> 3 & 15, mantissa = b & 7;
  float x = exponent ? std::ldexp(8.f + float(mantissa), exponent - 10) : std::ldexp(float(mantissa), -9);
  if ((b & 0x7f) == 0x7f) x = NAN;
  return b & 0x80 ? -x : x;
}

uint8_t to_float8(float x) {
  const uint32_t sign = float_bits(x) >> 24 & 0x80u;
  uint32_t u = float_bits(x) & 0x7fffffffu;
  constexpr uint32_t kSubnormal = (127 - 7 + 23 - 3 + 1) << 23;
  if (u > 0x7f800000u) return uint8_t(0x7fu | sign);
  if (u < (127 - 6) << 23)
    u = float_bits(float_of(u) + float_of(kSubnormal)) - kSubnormal;
  else
    u = std::min((u - ((127 - 7) << 23) + 0x7ffffu + (u >> 20 & 1)) >> 20, 0x7eu);
  return uint8_t(u | sign);
}

const std::array<float, 256> &float8_values() {
  static const auto table = [] {
    std::array<float, 256> t;
    for (int i = 0; i < 256; i++) t[size_t(i)] = from_float8(uint8_t(i));
    return t;
  }();
  return table;
}

bool scaled(Type type) { return type == Type::kFloat8 || type == Type::kInt8; }

void need_host(const Tokens &tokens) {
  if (tokens.memory)
    throw std::invalid_argument("tokens are in memory of CUDA device " + std::to_string(tokens.device()) +
                                ", expected host memory");
}

// out[dim] = in[dim] in `type`; returns the row's scale.
float write_row(const float *in, int dim, Type type, void *out) {
  if (type == Type::kFloat32) {
    std::memcpy(out, in, size_t(dim) * 4);
  } else if (type == Type::kFloat16) {
    for (int c = 0; c < dim; c++) static_cast<uint16_t *>(out)[c] = to_half(in[c]);
  } else if (type == Type::kBfloat16) {
    for (int c = 0; c < dim; c++) static_cast<uint16_t *>(out)[c] = to_bfloat16(in[c]);
  } else {
    float top = 0;
    for (int c = 0; c < dim; c++) top = std::max(top, std::abs(in[c]));
    const bool int8 = type == Type::kInt8;
    float scale = top / (int8 ? kTopInt8 : kTopFloat8);
    if (!(scale >= 1e-30f) || std::isinf(scale)) scale = 1;
    for (int c = 0; c < dim; c++) {
      const float x = in[c] / scale;
      if (int8)
        static_cast<int8_t *>(out)[c] = int8_t(std::clamp(std::nearbyint(x), -kTopInt8, kTopInt8));
      else
        static_cast<uint8_t *>(out)[c] = to_float8(x);
    }
    return scale;
  }
  return 1;
}

void read_row(const void *in, int dim, Type type, float scale, float *out) {
  if (type == Type::kFloat32) {
    std::memcpy(out, in, size_t(dim) * 4);
  } else if (type == Type::kFloat16) {
    for (int c = 0; c < dim; c++) out[c] = from_half(static_cast<const uint16_t *>(in)[c]);
  } else if (type == Type::kBfloat16) {
    for (int c = 0; c < dim; c++) out[c] = from_bfloat16(static_cast<const uint16_t *>(in)[c]);
  } else if (type == Type::kFloat8) {
    const auto &table = float8_values();
    for (int c = 0; c < dim; c++) out[c] = table[static_cast<const uint8_t *>(in)[c]] * scale;
  } else {
    for (int c = 0; c < dim; c++) out[c] = float(static_cast<const int8_t *>(in)[c]) * scale;
  }
}

}  // namespace

const char *type_name(Type type) { return kTypes[size_t(type)].name; }
size_t type_size(Type type) { return kTypes[size_t(type)].size; }

int Tokens::device() const { return memory ? memory->device().ordinal() : -1; }

bool parse_type(const std::string &name, Type &out) {
  for (size_t i = 0; i < std::size(kTypes); i++)
    if (name == kTypes[i].name) {
      out = Type(i);
      return true;
    }
  return false;
}

Tokens allocate_tokens(Type type, int n, int dim, void *&writable) {
  if (n < 0 || dim < 0)
    throw std::invalid_argument("tokens of shape [" + std::to_string(n) + ", " + std::to_string(dim) +
                                "], expected no negative size");
  Tokens tokens{.type = type, .n = n, .dim = dim};
  // Aligned here: glibc before 2.38 does not find the pieces that aligned_alloc() gave out again, and a store of many small ones
  // that come and go would grow without end.
  constexpr size_t kAlignment = 64;
  size_t space = tokens.bytes() + kAlignment;
  void *const all = std::malloc(space);
  if (!all) throw std::bad_alloc();
  writable = all;
  std::align(kAlignment, tokens.bytes(), writable, space);
  tokens.data = std::shared_ptr<const void>(writable, [all](const void *) { std::free(all); });
  tokens.records.resize(size_t(n));
  return tokens;
}

Tokens to_float32(const Tokens &tokens) {
  need_host(tokens);
  if (tokens.type == Type::kFloat32) return tokens;
  if (scaled(tokens.type) && tokens.records.size() != size_t(tokens.n))
    throw BadTokens(std::to_string(tokens.n) + " " + type_name(tokens.type) + " tokens came with " +
                    std::to_string(tokens.records.size()) + " records, expected one each (their scales)");
  void *memory;
  Tokens out = allocate_tokens(Type::kFloat32, tokens.n, tokens.dim, memory);
  out.records = tokens.records;
  out.levels = tokens.levels;
  for (int i = 0; i < tokens.n; i++) {
    const float scale = scaled(tokens.type) ? tokens.records[size_t(i)].scale : 1;
    read_row(tokens.row(i), tokens.dim, tokens.type, scale,
             static_cast<float *>(memory) + size_t(i) * tokens.dim);
  }
  for (Record &r : out.records) r.scale = 1;
  return out;
}

Tokens from_float32(const Tokens &tokens, Type type) {
  need_host(tokens);
  if (tokens.type != Type::kFloat32)
    throw std::invalid_argument(std::string("tokens are ") + type_name(tokens.type) + ", expected float32");
  if (type == Type::kFloat32) return tokens;
  void *memory;
  Tokens out = allocate_tokens(type, tokens.n, tokens.dim, memory);
  out.levels = tokens.levels;
  if (tokens.records.size() == size_t(tokens.n)) out.records = tokens.records;
  for (int i = 0; i < tokens.n; i++) {
    void *row = static_cast<char *>(memory) + size_t(i) * tokens.dim * type_size(type);
    out.records[size_t(i)].scale =
        write_row(static_cast<const float *>(tokens.row(i)), tokens.dim, type, row);
  }
  return out;
}

}  // namespace vtok
