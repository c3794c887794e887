// The language model in this process: prompt to rows, prefix reuse, prefill in pieces, decoding.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/llms/torch.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "models/answer_text.h"
#include "models/error.h"
#include "models/sampler.h"

namespace vtok {
namespace {

constexpr size_t kChunk = 512;  // rows read between two looks at `cancelled`

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

at::Tensor rows_of(const Tokens &tokens, at::Device device) {
  const auto option = [&](at::ScalarType type) {
    const at::Device where =
        tokens.device < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, c10::DeviceIndex(tokens.device));
    return at::TensorOptions(type).device(where);
  };
  const bool plain =
      tokens.type == Type::kFloat32 || tokens.type == Type::kFloat16 || tokens.type == Type::kBfloat16;
  const Tokens shared = plain ? tokens : to_float32(tokens);
  return at::from_blob(
             const_cast<void *>(shared.data.get()), {shared.n, shared.dim}, [keep = shared.data](void *) {},
             option(scalar_type(shared.type)))
      .to(device, at::kFloat);
}

}  // namespace

TorchLlm::TorchLlm(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                   const Progress &progress)
    : TorchLlm(Weights(checkpoint, placement, progress, {"language_model.", "image_newline"}), checkpoint) {}

TorchLlm::TorchLlm(Weights weights, std::shared_ptr<const Checkpoint> checkpoint)
    : checkpoint_(std::move(checkpoint)),
      config_(read_llava_onevision(*checkpoint_)),
      space_(describe_encoder(*checkpoint_).space),
      model_(weights, config_.text),
      newline_(weights.get_float("image_newline", {config_.text.hidden}).unsqueeze(0)),
      cache_(model_.make_cache()) {}

TorchLlm::Prompt TorchLlm::lay_out(const std::vector<Segment> &segments) {
  Prompt prompt;
  for (const Segment &segment : segments) {
    if (segment.kind == Segment::kNewline) prompt.rows.push_back({nullptr, -1});
    for (int id : segment.ids) prompt.rows.push_back({nullptr, id});
    if (!segment.group) continue;
    for (int i = 0, n = segment.group->tokens(); i < n; ++i) prompt.rows.push_back({segment.group.get(), i});
    prompt.groups.push_back(segment.group);
  }
  return prompt;
}

at::Tensor TorchLlm::input(const Prompt &prompt, size_t from, size_t to) const {
  std::vector<at::Tensor> pieces;
  for (size_t at = from; at < to;) {
    const Row &row = prompt.rows[at];
    if (row.group) {
      const int first = row.index;
      while (at < to && prompt.rows[at].group == row.group) ++at;
      const int last = prompt.rows[at - 1].index + 1;
      int before = 0;  // tokens of the group's earlier parts
      for (const Tokens &part : row.group->parts) {
        const int begin = std::max(first, before), end = std::min(last, before + part.n);
        if (part.dim != config_.text.hidden)
          throw BadTokens("a token has " + std::to_string(part.dim) + " numbers; the language model reads " +
                          std::to_string(config_.text.hidden));
        if (begin < end)
          pieces.push_back(rows_of(part, model_.device()).narrow(0, begin - before, end - begin));
        before += part.n;
      }
    } else if (row.index < 0) {
      pieces.push_back(newline_);
      ++at;
    } else {
      std::vector<int> ids;
      while (at < to && !prompt.rows[at].group && prompt.rows[at].index >= 0)
        ids.push_back(prompt.rows[at++].index);
      pieces.push_back(model_.embed(ids));
    }
  }
  return at::cat(pieces);
}

at::Tensor TorchLlm::advance(const Prompt &prompt, size_t upto) {
  const auto differs = std::mismatch(prompt.rows.begin(), prompt.rows.begin() + ptrdiff_t(upto),
                                     held_.rows.begin(), held_.rows.end());
  // The last row is read again where it is there already: its logits are wanted, not its keys.
  const size_t same = std::min(size_t(differs.first - prompt.rows.begin()), upto - 1),
               to = std::min(upto, same + kChunk);
  cache_.truncate(int64_t(same));
  held_.rows.resize(std::min(held_.rows.size(), same));
  const at::Tensor hidden = model_.read(input(prompt, same, to), cache_);
  held_.rows.assign(prompt.rows.begin(), prompt.rows.begin() + ptrdiff_t(to));
  held_.groups = prompt.groups;
  rows_read_ += int64_t(to - same);
  return hidden;
}

at::Tensor TorchLlm::prefill(const Prompt &prompt, const std::atomic<bool> *cancelled) {
  at::Tensor hidden;
  do {
    if (cancelled && *cancelled) throw Cancelled();
    hidden = advance(prompt, prompt.rows.size());
  } while (held_.rows.size() < prompt.rows.size());
  return hidden;
}

void TorchLlm::prepare(const Request &request) {
  c10::InferenceMode guard;
  Request wanted = request;
  if (wanted.question.empty())
    wanted.question.push_back('?');  // comes after the groups, so it is not read here
  std::vector<Segment> known = fit_prompt(*checkpoint_, wanted, context()).segments;
  const auto open =
      std::find_if(known.begin(), known.end(), [](const Segment &s) { return s.group && !s.group->closed; });
  known.erase(open, known.end());
  while (!known.empty() && !known.back().group) known.pop_back();
  const Prompt prompt = lay_out(known);
  if (prompt.rows.empty()) return;
  while (!waiting_) {  // a question goes first; it reads the rest itself
    const std::lock_guard lock(mutex_);
    if (request.cancelled && *request.cancelled) return;
    const size_t n = prompt.rows.size();
    if (held_.rows.size() >= n && std::equal(prompt.rows.begin(), prompt.rows.end(), held_.rows.begin()))
      return;
    advance(prompt, n);
  }
}

at::Tensor TorchLlm::score(const std::vector<Segment> &segments, const std::vector<int> &forced) {
  c10::InferenceMode guard;
  const std::lock_guard lock(mutex_);
  Prompt prompt = lay_out(segments);
  std::vector<at::Tensor> all{model_.logits(prefill(prompt, nullptr))};
  for (int id : forced) {
    all.push_back(model_.step(id, cache_));
    held_.rows.push_back({nullptr, id});
  }
  return at::cat(all);
}

Answer TorchLlm::ask(const Request &request, const std::function<void(const std::string &)> &delta) {
  c10::InferenceMode guard;
  const auto start = std::chrono::steady_clock::now();
  const std::atomic<bool> *cancelled = request.cancelled.get();
  const SamplingRule rule = SamplingRule::resolve(request.sampling, checkpoint_->generation);
  const FittedPrompt fitted = fit_prompt(*checkpoint_, request, context());
  const Prompt prompt = lay_out(fitted.segments);
  Answer answer;
  answer.prompt_tokens = fitted.rows;
  if (!prompt.groups.empty()) answer.from = prompt.groups.front()->from, answer.to = prompt.groups.back()->to;
  for (const GroupPtr &group : prompt.groups) answer.visual_tokens += group->tokens();
  Sampler sampler(rule, request.sampling.seed, config_.text.vocabulary);
  for (const Row &row : prompt.rows)
    sampler.see(row.group || row.index < 0 ? config_.video_token : row.index);
  AnswerText text(request.sampling.stop);
  const auto give = [&](const std::string &piece) {
    if (!piece.empty() && delta) delta(piece);
  };

  ++waiting_;
  const std::lock_guard lock(mutex_);
  --waiting_;
  answer.finish_reason = "length";
  answered_.clear();
  try {
    at::Tensor logits = model_.logits(prefill(prompt, cancelled));
    while (answer.new_tokens < request.sampling.max_new_tokens) {
      const int id = sampler.next({logits.data_ptr<float>(), size_t(config_.text.vocabulary)});
      if (answer.new_tokens++ == 0) answer.ttft_ms = ms_since(start);
      if (std::count(config_.end_tokens.begin(), config_.end_tokens.end(), id)) {
        answer.finish_reason = "stop";
        break;
      }
      answered_.push_back(id);
      sampler.see(id);
      if (!checkpoint_->tokenizer->special(id)) give(text.push(checkpoint_->tokenizer->bytes(id)));
      if (text.stopped()) {
        answer.finish_reason = "stop";
        break;
      }
      if (answer.new_tokens == request.sampling.max_new_tokens) break;
      if (cancelled && *cancelled) throw Cancelled();
      logits = model_.step(id, cache_);
      held_.rows.push_back({nullptr, id});
    }
  } catch (const Cancelled &) {
    answer.finish_reason = "cancelled";
  }
  give(text.finish());
  answer.text = text.text();
  answer.total_ms = ms_since(start);
  return answer;
}

}  // namespace vtok
