// Language models that answer questions about remembered groups. One row per backend.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/encoder.h"
#include "models/memory.h"
#include "models/placement.h"

namespace vtok {

/// Unset fields take the checkpoint's generation_config.json, as HF does.
struct Sampling {
  int max_new_tokens = 128;
  std::optional<double> temperature;  // 0: greedy
  std::optional<double> top_p, repetition_penalty;
  std::optional<int> top_k;           // 0: off
  uint64_t seed = 0;
  std::vector<std::string> stop;      // ends the answer before any of these texts
  std::vector<std::string> choices;   // the answer is one of these; empty: anything
  std::string schema;                 // the answer is JSON that this JSON schema allows; empty: anything
};

/// One message of the conversation before the question.
struct Turn {
  bool by_model = false;  // an answer, else a question
  std::string text;       // valid UTF-8
  bool operator==(const Turn &) const = default;
};

/// Everything one question needs; the same for every backend.
struct Request {
  uint64_t id = 0;
  std::string question;       // valid UTF-8, not empty
  std::string system_prompt;  // empty: none
  std::vector<Turn> history;  // oldest first, a question first; the groups belong to its first message
  std::vector<GroupPtr> groups;
  bool timestamps = true;     // "[00:12.0–00:15.5]" before each group's tokens
  bool compact = false;       // visual tokens are counted as text is, where the family would give each its place
  Sampling sampling;
  std::shared_ptr<std::atomic<bool>> cancelled;  // may be null
};

struct Answer {
  std::string text;           // valid UTF-8
  std::string finish_reason;  // "stop", "length", "cancelled"; from the elements also "no-tokens", "error"
  std::string error;          // one sentence where it is "error", or "no-tokens" though some came
  bool unmet = false;         // an error of what was asked for (CannotBeMet), not of who answers
  int64_t from = 0, to = 0;   // the span of the groups it saw, ns: no other time is claimed
  int visual_tokens = 0, prompt_tokens = 0, new_tokens = 0;
  double ttft_ms = 0, total_ms = 0;
  std::vector<double> shares;  // of Sampling::choices: how likely each was; see Constraint::shares()
};

/// What coming questions will have in common, to be read before they are asked.
struct Ahead {
  std::string system_prompt;
  bool timestamps = true, compact = false;
  std::vector<std::vector<GroupPtr>> beginnings;  // of prompts, the most wanted first; groups oldest first, all closed
};

/// Rows read of those that are wanted ahead, of the most wanted beginning and of all.
struct Reading {
  int64_t first = 0, first_wanted = 0, all = 0, all_wanted = 0;
  std::string failure;  // why one of the beginnings is not read any further; empty: none failed
};

/// Sets what an answer that sees these groups says of them: its tokens, and the span from the first to the last.
void see(const std::vector<GroupPtr> &groups, Answer &answer);

class Llm {
 public:
  virtual ~Llm() = default;
  /// The space whose tokens it reads; empty: any.
  virtual std::string space() const = 0;
  /// Tokens a prompt may have, answer included; 0: no bound.
  virtual int context() const = 0;
  /// Answers; `delta` gets each piece of text as it is made (whole UTF-8 characters), on the calling thread. May be called from
  /// several threads at once: their answers are then made side by side.
  virtual Answer ask(const Request &request, const std::function<void(const std::string &)> &delta) = 0;
  /// Rows of a prompt that a group takes, its time as text included.
  virtual int rows(const Group &group, bool timestamps) const = 0;
  /// Where a text lies among tokens, so that groups can be compared with it: the mean of its rows less the mean of all there are,
  /// [hidden]; empty: that is not known.
  virtual std::vector<float> gist(const std::string &text) const = 0;
  /// Reads closed groups ahead of any question, whenever nothing more urgent is to be done, and keeps what was read for as long
  /// as the same owner does not want something else; wanting nothing lets go. Returns at once.
  virtual void read_ahead(const void *owner, const Ahead &wanted) = 0;
  /// How far that is.
  virtual Reading reading(const void *owner) const = 0;
};

struct LlmSettings {
  std::shared_ptr<const Checkpoint> checkpoint;  // null for backends that need none
  Placement placement;
};

struct LlmBackend {
  const char *name;
  const char *help;
  bool needs_checkpoint;
  std::shared_ptr<Llm> (*make)(const LlmSettings &, const Progress &);  // slow; throws
};
std::span<const LlmBackend> llm_backends();
/// Checks that the checkpoint's language model is one we run, every tensor's name and shape, and that the tokenizer has
/// the tokens the prompt needs. Cheap; throws std::runtime_error with one sentence.
void check_llm(const Checkpoint &checkpoint);

}  // namespace vtok
