// Keys and values of the rows a language model has read, in blocks that sequences share.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <mutex>
#include <vector>

namespace vtok {

/// Note [Shared keys and values]
/// A sequence is what one prompt has read: a list of blocks, each the keys and values of kRows consecutive rows in every
/// layer. fork() copies the list and not the blocks, so that any number of questions go on from one memory; who writes to a
/// block that others hold too gets a copy of it first, which only ever happens to a sequence's last, partly filled block.
/// Positions count from the sequence's own start and keys are stored rotated: what was read under other positions, or after
/// other rows, is never reused. That costs a second reading when old groups leave a memory (memory.h says when), and buys that
/// an answer never differs from that of a fresh prefill, and that no position lies beyond what the model was trained for.

/// Makes blocks and takes them back: what was once allocated is used again, so that resident memory follows the most that
/// was held at a time. Thread-safe; blocks may outlive it.
class KvPool {
 public:
  static constexpr int64_t kRows = 64;
  using Block = std::shared_ptr<at::Tensor>;  // [layers, 2 (keys, values), kv_heads, kRows, head], uninitialised

  KvPool(int64_t layers, int64_t kv_heads, int64_t head, at::TensorOptions options);
  Block take();
  int64_t held() const;   // blocks in some sequence
  int64_t spare() const;  // blocks waiting to be used again

 private:
  struct Spares {
    std::mutex mutex;
    std::vector<std::unique_ptr<at::Tensor>> blocks;
    int64_t made = 0;
  };
  std::vector<int64_t> shape_;
  at::TensorOptions options_;
  std::shared_ptr<Spares> spares_ = std::make_shared<Spares>();
};

class KvSequence {
 public:
  int64_t length() const { return length_; }  // rows read
  /// The first `rows` rows of this one, shared.
  KvSequence fork(int64_t rows) const;
  void truncate(int64_t rows);
  /// Makes place for `rows` more, this sequence's own, and counts them as read: write them before they are attended to.
  void extend(KvPool &pool, int64_t rows);

  /// Writes n rows from row `first` on: keys and values [n, kv_heads, head], any number type.
  void write(int64_t layer, int64_t first, const at::Tensor &keys, const at::Tensor &values) const;
  /// The same for row `row` alone, keys and values [kv_heads, head]; host memory of float32 or bfloat16 only.
  void write_row(int64_t layer, int64_t row, const float *keys, const float *values) const;
  /// Where the blocks' keys (part 0) or values (part 1) of a layer lie; host memory only.
  std::vector<const void *> pointers(int64_t layer, int part) const;
  /// The same as one tensor [kv_heads, length, head]: a copy.
  at::Tensor joined(int64_t layer, int part) const;
  /// Blocks shared with nobody.
  int64_t own_blocks() const;

 private:
  std::vector<KvPool::Block> blocks_;
  int64_t length_ = 0;
};

}  // namespace vtok
