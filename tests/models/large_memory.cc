// Memory for weights: aligned zeros, none of it shared.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/large_memory.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <utility>

using namespace vtok;

TEST_CASE("pieces are zero, aligned and apart, whatever their size") {
  LargeMemory memory;
  std::vector<std::pair<std::byte *, size_t>> taken;
  for (const size_t bytes : {size_t(0), size_t(1), size_t(64), size_t(65), size_t(3) << 20, size_t(300) << 20, size_t(7)}) {
    std::byte *data = memory.take(bytes);
    CHECK(reinterpret_cast<uintptr_t>(data) % 64 == 0);
    const size_t looked = std::min(bytes, size_t(4) << 20);  // 300 MB would take long
    CHECK(std::all_of(data, data + looked, [](std::byte b) { return b == std::byte(0); }));
    std::memset(data, int(taken.size()) + 1, looked);
    if (bytes) data[bytes - 1] = std::byte(taken.size() + 1);
    taken.emplace_back(data, bytes);
  }
  for (size_t i = 0; i < taken.size(); ++i) {
    const auto [data, bytes] = taken[i];
    const std::byte own = std::byte(i + 1);
    CHECK(std::all_of(data, data + std::min(bytes, size_t(4) << 20), [&](std::byte b) { return b == own; }));
    if (bytes) CHECK(data[bytes - 1] == own);
  }
}
