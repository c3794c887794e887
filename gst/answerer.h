// The worker behind vtokllm and vtokllmsink: remembers groups and answers questions in the order they came.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "gst/ask.h"
#include "gst/gather.h"
#include "gst/queue.h"
#include "models/error.h"
#include "models/llm.h"
#include "models/memory.h"

namespace vtok {

/// What a question needs beside itself; read anew for each.
struct AnswerSettings {
  std::string system_prompt;
  std::vector<Turn> history;
  bool timestamps = true;
  Sampling sampling;
};

/// Whom the worker tells. Called in its thread, no lock held.
class AnswerListener {
 public:
  virtual AnswerSettings answer_settings() = 0;
  /// Rows of closed groups that have to wait before they are read ahead of a question.
  virtual int read_ahead() = 0;
  virtual void on_delta(const Question &question, const std::string &piece) = 0;
  virtual void on_answer(const Question &question, const Answer &answer) = 0;
  virtual void on_part(const Part &part) = 0;            // remembered; tokens and their times
  virtual void on_bad_part(const BadTokens &error) = 0;  // not remembered
  virtual void on_warning(const std::string &sentence) = 0;

 protected:
  ~AnswerListener() = default;
};

class Answerer {
  struct Run {
    std::function<void()> what;
    bool always;
  };
  using Item = std::variant<Part, Question, Run>;
  AnswerListener &listener_;
  Queue<Item> queue_;
  Pending pending_;
  std::thread thread_;
  std::vector<Run> kept_;  // between FLUSH_START and FLUSH_STOP
  std::atomic<bool> quit_{false};

  std::mutex loading_;
  bool loaded_ = false;
  std::shared_ptr<Llm> arrived_;  // what ready() was given

  // Of the worker, and of others only while it is idle or not running.
  Gather gather_;
  const MemoryPolicy *policy_ = nullptr;
  int memory_tokens_ = 0;
  std::shared_ptr<Llm> llm_;
  std::unique_ptr<Memory> memory_;
  int newest_ = 0;               // tokens of the newest part of the newest group; 0: none came
  int room_ = 0;                 // rows a prompt has for tokens and times beside its text, as of recall()
  int64_t began_ = INT64_MAX;    // told time of the first part since the last flush
  bool context_bounds_ = false;  // the last recall() was bounded by the model's context, not memory-tokens
  bool told_ = false;            // that the context cannot hold all that came
  int64_t unprepared_ = 0;       // rows, at most, of the groups closed since the last prepare()

 public:
  using Put = Queue<Item>::Put;
  explicit Answerer(AnswerListener &listener) : listener_(listener) {}
  ~Answerer() { stop(); }

  /// READY to PAUSED. Parts wait until ready() (questions too, behind a part).
  void start(const MemoryPolicy &policy, int memory_tokens);
  /// The model is there; null: it failed, and questions about tokens are answered with finish reason "error".
  void ready(std::shared_ptr<Llm> llm);
  /// PAUSED to READY: first everything is interrupted and refused, then the worker ends; memory and
  /// unanswered questions are gone.
  void interrupt_all();
  void stop();

  /// A token buffer. Put::kDropped: one was lost, in `lost`.
  Put add(Part &part, size_t limit, Full full, std::optional<Part> &lost);
  void gap(int64_t to) {
    run([=, this] { gather_.gap(to); });
  }
  /// EOS, SEGMENT, a caps change: the open group is complete.
  void close_group() {
    run([this] { close(gather_.close()); });
  }
  /// Asks about all that was added so far. Returns the id; 0: not running.
  uint64_t ask(std::string text, int64_t at, bool scheduled,
               std::shared_ptr<const AskOptions> options = nullptr);
  bool cancel(uint64_t id) { return pending_.cancel(id); }
  /// Tells what is remembered by now, oldest first, the open group last; as run() does.
  bool remembered(std::function<void(std::vector<GroupPtr>)> tell);
  /// Runs something when all before it is done; false: flushing. `always`: when a flush comes first, in
  /// flush_stop().
  bool run(std::function<void()> what, bool always = false);
  /// FLUSH_START: what waits is given up, an answer under way is cancelled.
  void flush_start();
  /// FLUSH_STOP: waits until the worker rests. Nothing is remembered; questions that were lost are answered
  /// "cancelled". `rested` runs before anything that shall `always`.
  void flush_stop(const std::function<void()> &rested);
  /// An add() that waits gives up.
  void interrupt(bool interrupted) { queue_.interrupt(interrupted); }

  bool scheduled_waits() const { return pending_.scheduled(); }
  size_t depth() const { return queue_.frames(); }

 private:
  void work();
  void adopt();
  void forget();
  void take(Part &part);
  void close(GroupPtr group);
  void answer(const Question &question);
  Answer answer_of(const Question &question, const AnswerSettings &settings);
  std::vector<GroupPtr> recall(const std::string &question, GroupPtr open, const AnswerSettings &settings);
  void prepare();
};

}  // namespace vtok
