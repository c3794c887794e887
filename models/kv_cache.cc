// Blocks of keys and values and the sequences made of them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/kv_cache.h"

#include <algorithm>

namespace vtok {

KvPool::KvPool(int64_t layers, int64_t kv_heads, int64_t head, at::TensorOptions options)
    : shape_{layers, 2, kv_heads, kRows, head}, options_(options) {}

KvPool::Block KvPool::take() {
  std::unique_ptr<at::Tensor> block;
  {
    const std::lock_guard lock(spares_->mutex);
    if (!spares_->blocks.empty()) {
      block = std::move(spares_->blocks.back());
      spares_->blocks.pop_back();
    }
  }
  if (!block) {
    block = std::make_unique<at::Tensor>(at::empty(shape_, options_));
    const std::lock_guard lock(spares_->mutex);
    ++spares_->made;
  }
  return Block(block.release(), [spares = spares_](at::Tensor *used) {
    const std::lock_guard lock(spares->mutex);
    spares->blocks.emplace_back(used);
  });
}

int64_t KvPool::held() const {
  const std::lock_guard lock(spares_->mutex);
  return spares_->made - int64_t(spares_->blocks.size());
}

int64_t KvPool::spare() const {
  const std::lock_guard lock(spares_->mutex);
  return int64_t(spares_->blocks.size());
}

static int64_t blocks_for(int64_t rows) { return (rows + KvPool::kRows - 1) / KvPool::kRows; }

KvSequence KvSequence::fork(int64_t rows) const {
  KvSequence copy;
  copy.length_ = std::min(rows, length_);
  copy.blocks_.assign(blocks_.begin(), blocks_.begin() + blocks_for(copy.length_));
  return copy;
}

void KvSequence::truncate(int64_t rows) {
  length_ = std::min(length_, rows);
  blocks_.resize(size_t(blocks_for(length_)));
}

void KvSequence::extend(KvPool &pool, int64_t rows) {
  if (length_ % KvPool::kRows && rows > 0 && blocks_.back().use_count() > 1) {
    KvPool::Block own = pool.take();
    const int64_t filled = length_ % KvPool::kRows;
    own->narrow(3, 0, filled).copy_(blocks_.back()->narrow(3, 0, filled));
    blocks_.back() = std::move(own);
  }
  while (int64_t(blocks_.size()) < blocks_for(length_ + rows)) blocks_.push_back(pool.take());
  length_ += rows;
}

void KvSequence::write(int64_t layer, int64_t first, const at::Tensor &keys, const at::Tensor &values) const {
  for (int64_t done = 0, n = keys.size(0); done < n;) {
    const int64_t row = first + done, inside = row % KvPool::kRows,
                  now = std::min(n - done, KvPool::kRows - inside);
    const at::Tensor block = blocks_[size_t(row / KvPool::kRows)]->select(0, layer);
    for (const int part : {0, 1})
      block.select(0, part)
          .narrow(1, inside, now)
          .copy_((part ? values : keys).narrow(0, done, now).transpose(0, 1));
    done += now;
  }
}

void KvSequence::write_row(int64_t layer, int64_t row, const float *keys, const float *values) const {
  const at::Tensor &block = *blocks_[size_t(row / KvPool::kRows)];
  const int64_t heads = block.size(2), head = block.size(4), inside = row % KvPool::kRows;
  for (const int part : {0, 1})
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t to = ((layer * 2 + part) * heads + h) * KvPool::kRows * head + inside * head;
      const float *from = (part ? values : keys) + h * head;
      if (block.scalar_type() == at::kFloat)
        std::copy_n(from, head, block.data_ptr<float>() + to);
      else
        std::copy_n(from, head, block.data_ptr<at::BFloat16>() + to);
    }
}

std::vector<const void *> KvSequence::pointers(int64_t layer, int part) const {
  std::vector<const void *> out;
  for (const KvPool::Block &block : blocks_) {
    const int64_t numbers = (layer * 2 + part) * block->stride(1);
    out.push_back(static_cast<const char *>(block->const_data_ptr()) + numbers * block->element_size());
  }
  return out;
}

at::Tensor KvSequence::joined(int64_t layer, int part) const {
  std::vector<at::Tensor> pieces;
  for (const KvPool::Block &block : blocks_) pieces.push_back(block->select(0, layer).select(0, part));
  return at::cat(pieces, 1).narrow(1, 0, length_);
}

int64_t KvSequence::own_blocks() const {
  return std::count_if(blocks_.begin(), blocks_.end(), [](const auto &b) { return b.use_count() == 1; });
}

}  // namespace vtok
