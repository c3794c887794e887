// Who reads next: one thread has the language model, for questions side by side and for groups read ahead.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "models/answer_text.h"
#include "models/constraint.h"
#include "models/llms/rows.h"
#include "models/model_stream.h"
#include "models/sampler.h"

namespace vtok {

/// Note [Turns]
/// The thread goes round. In each round every question that has read its prompt gets one more token, all of them in one step that
/// reads the weights once; then those that still read share one piece of about a tenth of a second (half a second where no answer
/// is being written), the oldest first; then, where no question is under way, a piece of what is to be read ahead. While questions are under way reading ahead gets a fifth of the
/// time all the same, or a camera that is asked without pause would fall behind for good. So the first question waits for a tenth
/// of a second at most before its own prompt is read, and an answer being written pauses for two.
/// What a question needs of groups that are being read ahead is read for both: it forks the memory when that is done.

/// One question on its way through the model: made by who asks, the scheduler's from submit() until `done`.
struct Job {
  Job(PromptRows rows, Sampler chooser, AnswerText answer, int most)
      : prompt(std::move(rows)), sampler(std::move(chooser)), text(std::move(answer)), max_new_tokens(most) {}

  PromptRows prompt;
  Sampler sampler;
  AnswerText text;
  int max_new_tokens;
  std::unique_ptr<Constraint> constraint;              // null: anything may be said
  std::shared_ptr<const std::atomic<bool>> cancelled;  // may be null
  std::vector<int> forced;                       // ids to go on with instead of the sampler's; all logits are then kept
  bool score = false;
  std::atomic<bool> abandoned{false};  // nobody listens any more

  // What has come of it, guarded by `mutex`.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> pieces;  // not yet taken
  bool done = false;
  std::string finish_reason = "length";
  std::vector<int> ids;
  int new_tokens = 0;
  std::chrono::steady_clock::time_point first;  // when the first id was chosen
  std::vector<at::Tensor> logits;               // where `score`
  std::exception_ptr error;

  // Of the scheduler.
  std::unique_ptr<TokenStream> words;
  KvSequence sequence;
  at::Tensor next;  // logits [1, vocabulary] of the id to come; undefined while the prompt is read
};

class Scheduler {
 public:
  Scheduler(Decoder &model, int levels, at::Tensor newline, std::shared_ptr<const Tokenizer> tokenizer, std::vector<int> end_tokens);
  ~Scheduler();

  void submit(std::shared_ptr<Job> job);
  /// Takes a job's pieces until it is done; `give` runs on the caller's thread. Throws what the job failed by.
  void follow(Job &job, const std::function<void(const std::string &)> &give);
  void read_ahead(const void *owner, std::vector<PromptRows> beginnings);
  Reading reading(const void *owner) const;
  void settle();  // waits until nothing is left to do
  int64_t rows_read() const { return rows_read_; }  // by prefill, since the start; says what was reused

 private:
  struct Held {  // a beginning that is read ahead
    const void *owner;
    int rank;  // 0: the most wanted of its owner
    PromptRows target;
    KvSequence sequence;  // the first length() rows of target
    std::string failure;
    size_t left() const { return failure.empty() ? target.size() - size_t(sequence.length()) : 0; }
  };
  struct Piece {  // rows to be read into one sequence
    std::shared_ptr<Job> job;
    Held *held;  // one of the two
    const PromptRows *prompt;
    KvSequence *sequence;
    size_t upto;
  };
  using Wants = std::vector<PromptRows>;

  void run();
  void round();
  bool take_orders();
  void replace(const void *owner, Wants &wants);
  KvSequence longest(const PromptRows &prompt, size_t most) const;
  bool decode();
  bool choose(Job &job, int &id);
  bool read_prompts();
  Held *shared(const Job &job);
  bool read_held();
  void read(std::vector<Piece> &pieces);
  void failed(Piece &piece, std::exception_ptr error);
  void finish(const std::shared_ptr<Job> &job, const char *reason, std::exception_ptr error = nullptr);
  void publish();
  size_t rows_in(double seconds) const;

  Decoder &model_;
  const int levels_;  // rows of a visual token
  const at::Tensor newline_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const std::vector<int> end_tokens_;

  // Of the thread.
  std::vector<std::shared_ptr<Job>> jobs_;  // oldest first
  std::vector<std::unique_ptr<Held>> held_;
  PromptRows recent_prompt_;  // the last question's, with its answer: what a next one may go on from
  KvSequence recent_;
  double row_seconds_ = 2e-3;  // what a row has cost lately
  double owed_ = 0;            // seconds that reading ahead has coming from time spent on questions
  std::atomic<int64_t> rows_read_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable orders_;
  std::vector<std::shared_ptr<Job>> submitted_;
  std::map<const void *, Wants> wanted_;
  std::map<const void *, Reading> readings_;
  bool stop_ = false, idle_ = false, poked_ = false;
  const ModelStream stream_;
  std::thread thread_;
};

}  // namespace vtok
