// The language model in this process, on LibTorch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/kv_cache.h"
#include "models/llm.h"
#include "models/prompt.h"
#include "models/qwen2.h"

namespace vtok {

/// Questions are answered one after another. What the prompt of one has in common with the beginning of the
/// one before is not read again.
class TorchLlm : public Llm {
 public:
  TorchLlm(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
           const Progress &progress);
  std::string space() const override { return space_; }
  int context() const override { return model_.config().context; }
  Answer ask(const Request &request, const std::function<void(const std::string &)> &delta) override;
  void prepare(const Request &request) override;
  /// Logits after `segments`, float32 [vocabulary]; then of each of `forced` in turn [1 + forced,
  /// vocabulary].
  at::Tensor score(const std::vector<Segment> &segments, const std::vector<int> &forced);
  int64_t rows_read() const { return rows_read_; }  // by prefill, since the start; says what was reused
  const std::vector<int> &answered() const { return answered_; }  // the last answer's ids

 private:
  /// What one row of the model's input is: a text id, a group's token, or the newline.
  struct Row {
    const Group *group;  // null: not visual
    int index;           // the id, the token's index in its group, -1: newline
    bool operator==(const Row &) const = default;
  };
  struct Prompt {
    std::vector<Row> rows;
    std::vector<GroupPtr> groups;  // keeps the addresses in `rows` from being used again
  };
  TorchLlm(Weights weights, std::shared_ptr<const Checkpoint> checkpoint);
  static Prompt lay_out(const std::vector<Segment> &segments);
  at::Tensor input(const Prompt &prompt, size_t from, size_t to) const;  // [to - from, hidden], float32
  /// Reads what the cache lacks of the first `upto` rows, at most one chunk; hidden state of its last row.
  at::Tensor advance(const Prompt &prompt, size_t upto);
  at::Tensor prefill(const Prompt &prompt, const std::atomic<bool> *cancelled);  // throws Cancelled

  std::shared_ptr<const Checkpoint> checkpoint_;
  LlavaOnevisionConfig config_;
  std::string space_;
  Qwen2 model_;
  at::Tensor newline_;  // [1, hidden], float32

  std::atomic<int> waiting_{0};  // questions that want the mutex
  std::mutex mutex_;             // guards what follows
  KvCache cache_;
  Prompt held_;  // what the cache has read
  int64_t rows_read_ = 0;
  std::vector<int> answered_;
};

}  // namespace vtok
