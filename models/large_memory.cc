// Memory for weights, in pages as large as the system gives.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/large_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace vtok {

LargeMemory::~LargeMemory() {
  for (const Piece &piece : pieces_) munmap(piece.data, piece.bytes);
}

std::byte *LargeMemory::take(size_t bytes) {
  constexpr size_t kAlign = 64, kPage = size_t(2) << 20, kPiece = size_t(256) << 20;  // reserved; pages come when written to
  const size_t whole = (std::max<size_t>(bytes, 1) + kAlign - 1) / kAlign * kAlign;
  if (pieces_.empty() || pieces_.back().bytes - used_ < whole) {
    const size_t size = std::max(kPiece, (whole + kPage - 1) / kPage * kPage) + kPage;
    void *made = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) throw std::bad_alloc();
    madvise(made, size, MADV_HUGEPAGE);  // where there are none, small ones do
    pieces_.push_back({static_cast<std::byte *>(made), size});
    used_ = -reinterpret_cast<uintptr_t>(made) % kPage;
  }
  std::byte *const out = pieces_.back().data + used_;
  used_ += whole;
  return out;
}

}  // namespace vtok
