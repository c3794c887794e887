// The language model in this process, on LibTorch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/family.h"
#include "models/llm.h"
#include "models/llms/scheduler.h"
#include "models/prompt.h"
#include "models/decoder.h"

namespace vtok {

/// Questions are answered side by side. What the prompt of one has in common with what was read ahead, with a question under way
/// or with the last one, is not read again.
class TorchLlm : public Llm {
 public:
  TorchLlm(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
           const Progress &progress);
  std::string space() const override { return space_; }
  int context() const override { return model_.config().context; }
  Answer ask(const Request &request, const std::function<void(const std::string &)> &delta) override;
  int rows(const Group &group, bool timestamps) const override;
  std::vector<float> gist(const std::string &text) const override;
  void read_ahead(const void *owner, const Ahead &wanted) override;
  Reading reading(const void *owner) const override { return scheduler_.reading(owner); }
  /// Logits after `segments`, float32 [vocabulary]; then of each of `forced` in turn [1 + forced,
  /// vocabulary].
  at::Tensor score(const std::vector<Segment> &segments, const std::vector<int> &forced);
  void settle() { scheduler_.settle(); }  // waits until nothing is left to read ahead
  int64_t rows_read() const { return scheduler_.rows_read(); }  // by prefill, since the start; says what was reused
  KvPool &pool() { return model_.pool(); }
  std::vector<int> answered() const;  // the ids of the answer that came last

 private:
  TorchLlm(Weights weights, std::shared_ptr<const Checkpoint> checkpoint);
  PositionRule position_rule(bool compact) const;
  std::unique_ptr<Constraint> constraint(const Sampling &sampling);

  std::shared_ptr<const Checkpoint> checkpoint_;
  LanguageInfo config_;
  std::string space_;
  Decoder model_;
  Scheduler scheduler_;
  mutable std::mutex mutex_;
  std::vector<int> answered_;
  std::shared_ptr<const Vocabulary> vocabulary_;  // from the first answer that is bound to a form on
};

}  // namespace vtok
