// The worker behind vtokllm and vtokllmsink: remembers groups and has questions answered, side by side.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "gst/ask.h"
#include "gst/conversation.h"
#include "gst/gather.h"
#include "gst/queue.h"
#include "gst/side_by_side.h"
#include "gst/span.h"
#include "models/error.h"
#include "models/llm.h"
#include "models/memory.h"

namespace vtok {

/// What a question needs beside itself; read anew for each.
struct AnswerSettings {
  std::string system_prompt;
  std::vector<Turn> history;
  unsigned pairs = 0;  // questions with their answers that stand before the next one; 0: each stands alone
  bool timestamps = true;
  bool compact = false;  // positions of visual tokens
  Sampling sampling;
};

/// Whom the worker tells. Called in its thread, no lock held.
class AnswerListener {
 public:
  virtual AnswerSettings answer_settings() = 0;
  /// Questions may come at any moment, and the stream waits for nobody.
  virtual bool live() = 0;
  virtual void on_question(const Question &question) = 0;  // its turn has come
  virtual void on_delta(const Question &question, const std::string &piece) = 0;
  virtual void on_answer(const Question &question, const Answer &answer) = 0;
  virtual void on_part(const Part &part) = 0;            // remembered; tokens and their times
  virtual void on_bad_part(const BadTokens &error) = 0;  // not remembered
  virtual void on_warning(const std::string &sentence) = 0;

 protected:
  ~AnswerListener() = default;
};

/// What comes in is handled in order by one thread, the worker, which never waits for an answer in a live stream: a question
/// sees the memory as it is when its turn comes, is then answered on a thread of its own, and what becomes of it (its pieces, its
/// answer) is told by the worker before anything else. At the end of the stream, and where a file has kSideBySide questions under
/// way, the worker waits. Questions of a conversation begin one after the other, each when the answer before it is there; a file waits
/// for them.
class Answerer {
 public:
  static constexpr size_t kSideBySide = 8;   // questions that are answered at a time
  static constexpr size_t kMostWait = 256;   // questions that may wait or be answered

 private:
  struct Run {
    std::function<void()> what;
    bool always, after_answers;
  };
  struct Asked {
    Question question;
    bool context_bounds;  // what it sees was bounded by the model's context, not memory-tokens
    bool talks = false;   // its answer stands before the next question of its conversation
  };
  struct Piece {
    std::shared_ptr<const Asked> asked;
    std::string text;
    std::shared_ptr<std::promise<void>> told;  // kept, or broken where it never will be: who wrote it goes on
  };
  struct Done {
    std::shared_ptr<const Asked> asked;
    Answer answer;
  };
  using Item = std::variant<Part, Question, Run, Piece, Done>;
  AnswerListener &listener_;
  Queue<Item> queue_;
  Pending pending_;
  std::thread thread_;
  std::vector<Run> kept_;  // between FLUSH_START and FLUSH_STOP
  std::atomic<bool> quit_{false};
  SideBySide answering_{kSideBySide};

  mutable std::mutex loading_;
  bool loaded_ = false;
  std::shared_ptr<Llm> arrived_;  // what ready() was given
  std::shared_ptr<Llm> llm_;      // written by the worker alone, and locked

  // Of the worker, and of others only while it is idle or not running.
  Gather gather_;
  const MemoryPolicy *policy_ = nullptr;
  int memory_tokens_ = 0;
  std::unique_ptr<Memory> memory_;
  int newest_ = 0;               // tokens of the newest part of the newest group; 0: none came
  int64_t room_ = 0;             // rows a prompt has for tokens and times beside its text, as of recall()
  int64_t began_ = INT64_MAX;    // told time of the first part since the last flush
  bool context_bounds_ = false;  // the last recall() was bounded by the model's context, not memory-tokens
  bool told_ = false;            // that the context cannot hold all that came
  int64_t unread_ = 0;           // rows of the groups closed since the last read_ahead()
  size_t under_way_ = 0;         // questions that are being answered
  Conversation said_;
  std::deque<Question> waiting_;  // of a conversation, for the answer before them
  bool talking_ = false;          // a question of a conversation is being answered
  std::atomic<uint64_t> conversation_{1};
  std::atomic<int64_t> forgotten_{0};
  std::atomic<uint64_t> failed_reads_{0};
  std::string failure_;          // the last one of reading ahead that was told

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
  /// What is asked from now on is a new conversation.
  void forget_conversation() { ++conversation_; }
  /// Tells what is remembered by now, oldest first, the open group last; as run() does.
  bool remembered(std::function<void(std::vector<GroupPtr>)> tell);
  /// Runs something when all before it is done, questions begun (`after_answers`: answered); false: flushing. `always`: when a
  /// flush comes first, in flush_stop().
  bool run(std::function<void()> what, bool always = false, bool after_answers = false);
  /// FLUSH_START: what waits is given up, an answer under way is cancelled.
  void flush_start();
  /// FLUSH_STOP: waits until the worker rests. Nothing is remembered; questions that were lost are answered
  /// "cancelled". `rested` runs before anything that shall `always`.
  void flush_stop(const std::function<void()> &rested);
  /// An add() that waits gives up.
  void interrupt(bool interrupted) { queue_.interrupt(interrupted); }

  bool scheduled_waits(int watch = -1) const { return pending_.scheduled(watch); }
  size_t waiting() const { return pending_.count(); }
  int64_t oldest() const { return pending_.oldest(); }  // running time of the first question that waits; INT64_MAX: none
  size_t depth() const { return queue_.frames(); }
  int64_t forgotten() const { return forgotten_; }  // groups
  uint64_t failed_reads() const { return failed_reads_; }  // ahead of questions: a question reads those rows itself
  Reading reading() const;                          // ahead of questions

 private:
  void work();
  void handle(Item &item);
  bool await_answers();
  void adopt();
  void forget();
  void take(Part &part);
  void close(GroupPtr group);
  void read_ahead();
  void answer(const Question &question);
  void converse();
  void start(const Question &question, AnswerSettings settings, bool talks);
  size_t longest_history() const;
  Request request_for(const Question &question, const AnswerSettings &settings);
  Answer sees_nothing(const Question &question, const AnswerSettings &settings);
  void begin(std::shared_ptr<const Asked> asked, Request request);
  void done(const Asked &asked, const Answer &answer);
  Room room_for(size_t text, const AnswerSettings &settings) const;
  std::vector<GroupPtr> recall(const std::string &question, GroupPtr open, const AnswerSettings &settings);
  std::vector<GroupPtr> recall(const Span &span, const std::string &question, const AnswerSettings &settings);
};

}  // namespace vtok
