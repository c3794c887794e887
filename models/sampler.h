// Chooses the next token from logits, in the order and with the meaning Hugging Face gives each setting.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <vector>

#include "models/llm.h"

namespace vtok {

/// A request's settings with what it left unset taken from generation_config.json.
struct SamplingRule {
  bool greedy = true;
  double temperature = 1, top_p = 1, repetition_penalty = 1;
  int top_k = 0;  // 0: off
  /// `generation`: generation_config.json or an empty value. A request's own temperature decides between
  /// greedy (0) and sampling. Throws std::runtime_error.
  static SamplingRule resolve(const Sampling &wanted, const nlohmann::json &generation);
};

class Sampler {
 public:
  Sampler(const SamplingRule &rule, uint64_t seed, int vocabulary);
  void see(int id);  // a prompt's or answer's id, for the repetition penalty
  /// Changes `logits` [vocabulary]. Ties go to the lowest id. Throws std::runtime_error where a logit is NaN.
  int next(std::span<float> logits);

 private:
  SamplingRule rule_;
  std::mt19937_64 random_;
  std::vector<bool> seen_;
};

}  // namespace vtok
