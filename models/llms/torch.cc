// The language model in this process: requests to prompts, prompts to the thread that reads and writes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/llms/torch.h"

#include <c10/core/InferenceMode.h>

#include <chrono>
#include <utility>

#include "models/answer_text.h"
#include "models/sampler.h"

namespace vtok {
namespace {

double ms_between(std::chrono::steady_clock::time_point start, std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - start).count();
}

/// [1, hidden]; undefined: the family has none.
at::Tensor newline(Weights &weights, const LanguageInfo &config) {
  return config.newline ? weights.get_float(config.newline, {config.text.hidden}).unsqueeze(0) : at::Tensor();
}

}  // namespace

TorchLlm::TorchLlm(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                   const Progress &progress)
    : TorchLlm(Weights(checkpoint, placement, progress, {"language_model.", "image_newline"}), checkpoint) {}

TorchLlm::TorchLlm(Weights weights, std::shared_ptr<const Checkpoint> checkpoint)
    : checkpoint_(std::move(checkpoint)),
      config_(family_of(*checkpoint_).language(*checkpoint_)),
      space_(describe_encoder(*checkpoint_).space),
      model_(weights, config_.text),
      scheduler_(model_, config_.levels, newline(weights, config_), checkpoint_->tokenizer, config_.end_tokens) {}

int TorchLlm::rows(const Group &group, bool timestamps) const {
  const GroupPtr borrowed(GroupPtr(), &group);
  int rows = 0;
  for (const Segment &segment : family_of(*checkpoint_).group(*checkpoint_, borrowed, timestamps))
    rows += segment.size();
  return rows;
}

std::vector<float> TorchLlm::gist(const std::string &text) const {
  const c10::InferenceMode guard;
  const std::vector<int> ids = checkpoint_->tokenizer->encode(text);
  if (ids.empty()) return {};
  const at::Tensor mean = (model_.embed(ids).mean(0) - model_.mean_embedding()).cpu();
  return {mean.data_ptr<float>(), mean.data_ptr<float>() + mean.numel()};
}

PositionRule TorchLlm::position_rule(bool compact) const { return compact ? PositionRule() : config_.positions; }

void TorchLlm::read_ahead(const void *owner, const Ahead &wanted) {
  std::vector<PromptRows> beginnings;
  for (const std::vector<GroupPtr> &groups : wanted.beginnings) {
    Request request;
    request.question = "?";  // comes after the groups, so it is not read here
    request.system_prompt = wanted.system_prompt;
    request.timestamps = wanted.timestamps;
    request.groups = groups;
    request.sampling.max_new_tokens = 0;
    std::vector<Segment> known = fit_prompt(*checkpoint_, request, context()).segments;
    while (!known.empty() && !known.back().group) known.pop_back();
    beginnings.push_back(PromptRows::of(known, position_rule(wanted.compact)));
  }
  scheduler_.read_ahead(owner, std::move(beginnings));
}

at::Tensor TorchLlm::score(const std::vector<Segment> &segments, const std::vector<int> &forced) {
  const c10::InferenceMode guard;
  const auto job = std::make_shared<Job>(PromptRows::of(segments, config_.positions), Sampler({}, 0, config_.text.vocabulary),
                                         AnswerText({}), 0);
  job->forced = forced;
  job->score = true;
  scheduler_.submit(job);
  scheduler_.follow(*job, nullptr);
  return at::cat(job->logits);
}

std::vector<int> TorchLlm::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}

std::unique_ptr<Constraint> TorchLlm::constraint(const Sampling &sampling) {
  if (sampling.choices.empty() && sampling.schema.empty()) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!vocabulary_)
      vocabulary_ = std::make_shared<const Vocabulary>(*checkpoint_->tokenizer, config_.end_tokens);
  }
  if (!sampling.choices.empty()) return Constraint::of_choices(vocabulary_, sampling.choices);
  return Constraint::of_schema(vocabulary_, sampling.schema, sampling.max_new_tokens);
}

Answer TorchLlm::ask(const Request &request, const std::function<void(const std::string &)> &delta) {
  const auto start = std::chrono::steady_clock::now();
  const SamplingRule rule = SamplingRule::resolve(request.sampling, checkpoint_->generation);
  std::unique_ptr<Constraint> bound = constraint(request.sampling);
  Request whole = request;
  if (bound) {  // said to its end, whatever else would end it
    whole.sampling.max_new_tokens = std::max(request.sampling.max_new_tokens, bound->longest());
    whole.sampling.stop.clear();
  }
  const FittedPrompt fitted = fit_prompt(*checkpoint_, whole, context());
  const auto job = std::make_shared<Job>(PromptRows::of(fitted.segments, position_rule(request.compact)),
                                         Sampler(rule, request.sampling.seed, config_.text.vocabulary),
                                         AnswerText(whole.sampling.stop), whole.sampling.max_new_tokens);
  job->cancelled = request.cancelled;
  job->constraint = std::move(bound);
  Answer answer;
  answer.prompt_tokens = fitted.rows;
  see(job->prompt.groups, answer);
  for (const Row &row : job->prompt.rows)
    job->sampler.see(row.group || row.index < 0 ? config_.visual_token : row.index);
  scheduler_.submit(job);
  scheduler_.follow(*job, [&](const std::string &piece) {
    answer.text += piece;
    if (delta) delta(piece);
  });
  answer.finish_reason = job->finish_reason;
  answer.new_tokens = job->new_tokens;
  if (job->constraint) answer.shares = job->constraint->shares();
  if (answer.new_tokens > 0) answer.ttft_ms = ms_between(start, job->first);
  answer.total_ms = ms_between(start, std::chrono::steady_clock::now());
  const std::lock_guard lock(mutex_);
  answered_ = job->ids;
  return answer;
}

}  // namespace vtok
