// Memory for weights, in pages as large as the system gives.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <vector>

namespace vtok {

/// Note [Large pages]
/// Weights are gigabytes that are written once and then read from end to end for every token. In pages of 2 MB rather than 4 KB
/// the system hands fresh memory out several times as fast, and reading it is up to a fifth faster. What is not taken of the last
/// page costs up to 2 MB, so a model has one LargeMemory and not one for each tensor.
class LargeMemory {
 public:
  LargeMemory() = default;
  ~LargeMemory();
  LargeMemory(const LargeMemory &) = delete;
  /// Zeros, aligned to 64 bytes, which live as long as this. Throws std::bad_alloc.
  std::byte *take(size_t bytes);

 private:
  struct Piece {
    std::byte *data;
    size_t bytes;
  };
  std::vector<Piece> pieces_;
  size_t used_ = 0;  // of the last one
};

}  // namespace vtok
