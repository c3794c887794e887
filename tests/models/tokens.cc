// Tokens: type names, conversion both ways, every bit pattern of the small types.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokens.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "kernels/device_memory.h"
#include "models/error.h"

using namespace vtok;

namespace {

constexpr Type kAll[] = {Type::kFloat32, Type::kFloat16, Type::kBfloat16, Type::kFloat8, Type::kInt8};

Tokens floats(int n, int dim, const std::vector<float> &values) {
  void *memory;
  Tokens t = allocate_tokens(Type::kFloat32, n, dim, memory);
  std::memcpy(memory, values.data(), values.size() * 4);
  return t;
}

float at(const Tokens &t, int i, int c) { return static_cast<const float *>(t.row(i))[c]; }

}  // namespace

TEST_CASE("names and sizes") {
  for (Type type : kAll) {
    Type parsed;
    REQUIRE(parse_type(type_name(type), parsed));
    CHECK(parsed == type);
  }
  Type parsed;
  CHECK_FALSE(parse_type("float64", parsed));
  CHECK_FALSE(parse_type("", parsed));
  CHECK(type_size(Type::kFloat32) == 4);
  CHECK(type_size(Type::kBfloat16) == 2);
  CHECK(type_size(Type::kFloat8) == 1);
}

TEST_CASE("memory is aligned and may be empty") {
  for (int n : {0, 1, 3}) {
    void *memory;
    const Tokens t = allocate_tokens(Type::kBfloat16, n, 7, memory);
    CHECK(reinterpret_cast<uintptr_t>(memory) % 64 == 0);
    CHECK(t.bytes() == size_t(n) * 14);
    CHECK(t.records.size() == size_t(n));
    CHECK(to_float32(t).n == n);
  }
  void *memory;
  CHECK_THROWS_AS(allocate_tokens(Type::kInt8, -1, 7, memory), std::invalid_argument);
}

TEST_CASE("known values") {
  struct Case {
    Type type;
    float in, out;
  };
  const Case cases[] = {
      {Type::kFloat16, 1.f / 3, 0.333251953125f},
      {Type::kFloat16, 65519.f, 65504.f},
      {Type::kFloat16, 65520.f, INFINITY},
      {Type::kFloat16, 5.9604645e-8f, 5.9604645e-8f},
      {Type::kFloat16, 2.9802322e-8f, 0.f},
      {Type::kFloat16, 1.f + 1.f / 2048, 1.f},
      {Type::kFloat16, 1.f + 3.f / 2048, 1.00195312f},
      {Type::kBfloat16, 1.f + 1.f / 256, 1.f},
      {Type::kBfloat16, 1.f + 3.f / 256, 1.015625f},
      {Type::kBfloat16, -3.3895314e38f, -3.3895314e38f},
      {Type::kBfloat16, 3.4028235e38f, INFINITY},
  };
  for (const Case &c : cases) {
    const float back = at(to_float32(from_float32(floats(1, 1, {c.in}), c.type)), 0, 0);
    INFO(type_name(c.type) << " of " << c.in << " is " << back);
    CHECK(back == c.out);
  }
}

TEST_CASE("every pattern of the small types comes back") {
  for (Type type : {Type::kFloat16, Type::kBfloat16, Type::kFloat8}) {
    const int count = type == Type::kFloat8 ? 256 : 65536;
    void *memory;
    Tokens t = allocate_tokens(type, count, 1, memory);
    for (int i = 0; i < count; i++)
      if (type == Type::kFloat8)
        static_cast<uint8_t *>(memory)[i] = uint8_t(i);
      else
        static_cast<uint16_t *>(memory)[i] = uint16_t(i);
    const Tokens wide = to_float32(t);
    const Tokens back = to_float32(from_float32(wide, type));
    int wrong = 0;
    for (int i = 0; i < count; i++) {
      const float a = at(wide, i, 0), b = at(back, i, 0);
      const bool same = std::isnan(a)           ? std::isnan(b)
                        : type == Type::kFloat8 ? std::abs(a - b) <= 1e-6f * std::abs(a)
                                                : a == b;
      wrong += !same;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("scaled types keep their relative error and put the scale into the record") {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(5 * 64);
  for (float &v : values) v = normal(random);
  for (int c = 0; c < 64; c++) values[size_t(64 + c)] *= 1e-6f, values[size_t(128 + c)] = 0;
  const Tokens in = floats(5, 64, values);
  for (Type type : {Type::kInt8, Type::kFloat8}) {
    const Tokens packed = from_float32(in, type);
    const Tokens out = to_float32(packed);
    for (int i = 0; i < 5; i++) {
      float top = 0;
      for (int c = 0; c < 64; c++) top = std::max(top, std::abs(at(in, i, c)));
      CHECK(packed.records[size_t(i)].scale > 0);
      CHECK(out.records[size_t(i)].scale == 1);
      for (int c = 0; c < 64; c++) {
        const float step =
            type == Type::kInt8 ? top / 127 / 2 : std::max(std::abs(at(in, i, c)) / 16, top / 448 / 1024);
        CHECK(std::abs(at(in, i, c) - at(out, i, c)) <= step * 1.001f);
      }
    }
    Tokens bare = packed;
    bare.records.clear();
    CHECK_THROWS_AS(to_float32(bare), BadTokens);
  }
}

TEST_CASE("float32 is shared, device memory refused") {
  Tokens t = floats(2, 2, {1, 2, 3, 4});
  CHECK(to_float32(t).data == t.data);
  CHECK(from_float32(t, Type::kFloat32).data == t.data);
  t.memory = std::make_shared<DeviceMemory>(16, host_device().make_stream());
  CHECK_THROWS_AS(to_float32(t), std::invalid_argument);
}
