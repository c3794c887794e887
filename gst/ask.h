// Questions: the lines of the property, when they are due, the ids by which they are cancelled.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "models/llm.h"

namespace vtok {

/// Who wants to be told about one question of his own; in the worker's thread, no lock held. It is let go of
/// when the question is over: without on_answer() where the element stopped first.
class QuestionListener {
 public:
  virtual ~QuestionListener() = default;
  virtual void on_delta(const std::string &piece) = 0;
  /// The last call. `from`, `to`: the span it saw in stream time, ns.
  virtual void on_answer(const Answer &answer, int64_t from, int64_t to) = 0;
};

/// What one question wants otherwise than the element's properties say.
struct AskOptions {
  std::optional<std::string> system_prompt;
  std::optional<std::vector<Turn>> history;  // unset: the stream's conversation, of which the question becomes a part
  std::optional<int> max_new_tokens;
  std::optional<double> temperature, top_p;
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;  // empty: the property's
  std::vector<std::string> choices;  // these and `schema` as in Sampling; both empty: the properties'
  std::string schema;
  int watch = -1;  // number of the standing question that this asks; told of as an alert
  std::shared_ptr<QuestionListener> listener;
};

/// One question on its way to an answer.
struct Question {
  bool standing() const { return options && options->watch >= 0; }
  uint64_t id = 0;
  std::string text;        // valid UTF-8, not blank
  int64_t at = 0;          // running time of asking, ns
  bool scheduled = false;  // from the property, not from ask()
  std::shared_ptr<std::atomic<bool>> cancelled;
  std::shared_ptr<const AskOptions> options;  // null: all as the properties say
  uint64_t conversation = 0;  // of the stream, counted from 1, to which it belongs; 0: none
  std::chrono::steady_clock::time_point asked = std::chrono::steady_clock::now();
};

/// A text as a question: trimmed; throws std::invalid_argument with one sentence where it is blank or no
/// UTF-8.
std::string question_text(const std::string &text);
/// The lines of the property question=, blank ones left out. `refused` gets a sentence for each that is no
/// UTF-8.
std::vector<std::string> question_lines(const std::string &property, std::vector<std::string> &refused);

/// When the questions of the property are due: every `every` ns of running time, counted from the first
/// frame.
class Schedule {
  int64_t every_ = 0, next_ = -1;

 public:
  explicit Schedule(int64_t every = 0) : every_(every) {}  // 0: never before EOS
  /// The stream has come to `now`: the time for which the questions are due, once however far it jumped; else
  /// -1.
  int64_t due(int64_t now);
};

/// Questions that wait or are being answered, by id. Ids start at 1 and are never used twice. Thread-safe.
class Pending {
  mutable std::mutex mutex_;
  uint64_t last_ = 0;
  std::map<uint64_t, Question> questions_;

 public:
  Question open(std::string text, int64_t at, bool scheduled, std::shared_ptr<const AskOptions> options);
  void close(uint64_t id);
  bool cancel(uint64_t id);  // false: no such question waits
  void cancel_all();
  std::vector<Question> take_all();  // closes those that wait
  bool scheduled(int watch = -1) const;  // a question of the property, or that standing one, waits for its answer
  size_t count() const;
  int64_t oldest() const;            // running time at which the first of them was asked; INT64_MAX: none waits
};

}  // namespace vtok
