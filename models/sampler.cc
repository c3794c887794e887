// Chooses the next token from logits: penalty, temperature, top-k, top-p, then a draw.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace vtok {
namespace {

template <class T>
T setting(const nlohmann::json &generation, const char *name, T otherwise) {
  if (!generation.is_object() || !generation.contains(name) || generation[name].is_null()) return otherwise;
  try {
    return generation[name].get<T>();
  } catch (const nlohmann::json::exception &) {
    throw std::runtime_error(std::string("generation_config.json: ") + name + " is " +
                             generation[name].dump());
  }
}

}  // namespace

SamplingRule SamplingRule::resolve(const Sampling &wanted, const nlohmann::json &generation) {
  SamplingRule rule;
  rule.greedy = wanted.temperature ? *wanted.temperature <= 0 : !setting(generation, "do_sample", false);
  rule.temperature = wanted.temperature.value_or(setting(generation, "temperature", 1.0));
  rule.top_p = wanted.top_p.value_or(setting(generation, "top_p", 1.0));
  rule.top_k = wanted.top_k.value_or(setting(generation, "top_k", 50));  // 50 is Hugging Face's own default
  rule.repetition_penalty =
      wanted.repetition_penalty.value_or(setting(generation, "repetition_penalty", 1.0));
  if (!rule.greedy && !(rule.temperature > 0))
    throw std::runtime_error("temperature is " + std::to_string(rule.temperature) +
                             "; sampling needs one above 0");
  if (!(rule.repetition_penalty > 0))
    throw std::runtime_error("repetition penalty is " + std::to_string(rule.repetition_penalty) +
                             "; expected one above 0");
  return rule;
}

Sampler::Sampler(const SamplingRule &rule, uint64_t seed, int vocabulary)
    : rule_(rule), random_(seed), seen_(size_t(vocabulary)) {}

void Sampler::see(int id) {
  if (id >= 0 && size_t(id) < seen_.size()) seen_[size_t(id)] = true;
}

int Sampler::next(std::span<float> logits) {
  if (rule_.repetition_penalty != 1)
    for (size_t i = 0; i < logits.size(); ++i)
      if (seen_[i])
        logits[i] = float(logits[i] < 0 ? logits[i] * rule_.repetition_penalty
                                        : logits[i] / rule_.repetition_penalty);
  for (float logit : logits)
    if (std::isnan(logit)) throw std::runtime_error("the language model's logits are not numbers");
  if (rule_.greedy) return int(std::max_element(logits.begin(), logits.end()) - logits.begin());

  std::vector<int> order;  // by falling logit, ties by id
  float least = -std::numeric_limits<float>::infinity();
  if (rule_.top_k > 0 && size_t(rule_.top_k) < logits.size()) {  // every id as good as the k-th stays
    std::vector<float> sorted(logits.begin(), logits.end());
    const auto kth = sorted.begin() + (rule_.top_k - 1);
    std::nth_element(sorted.begin(), kth, sorted.end(), std::greater<>());
    least = *kth;
  }
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] >= least) order.push_back(int(i));
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return logits[size_t(a)] > logits[size_t(b)]; });
  std::vector<double> weight(order.size());
  const double top = logits[size_t(order[0])];
  for (size_t i = 0; i < order.size(); ++i)
    weight[i] = std::exp((double(logits[size_t(order[i])]) - top) / rule_.temperature);
  double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  if (rule_.top_p < 1) {  // from the least likely on, ids go while their share together is at most 1 - top_p
    double gone = 0;
    while (weight.size() > 1 && gone + weight.back() <= (1 - rule_.top_p) * sum) {
      gone += weight.back();
      weight.pop_back();
    }
    sum -= gone;
  }
  double draw = std::uniform_real_distribution<double>(0, sum)(random_);
  for (size_t i = 0; i < weight.size(); ++i)
    if ((draw -= weight[i]) < 0) return order[i];
  return order[weight.size() - 1];
}

}  // namespace vtok
