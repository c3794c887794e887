// The worker behind vtokllm and vtokllmsink: when it reads groups ahead of a question, and questions side by side.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/answerer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include "kernels/device.h"

namespace {

/// Notes how many groups it was to read ahead, and how many a question came with. A question "wait" is answered once `together`
/// of them are being, or when it is cancelled.
class Reader : public vtok::Llm {
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<size_t> prepared_;
  size_t inside_ = 0, most_ = 0;

 public:
  std::vector<size_t> asked;
  std::map<std::string, std::vector<vtok::Turn>> before;  // what stood before a question, by its text
  size_t together = 1;
  std::atomic<bool> full{false};  // there is no memory to read any more
  /// What was read ahead, once it was that often.
  std::vector<size_t> prepared(size_t times) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return prepared_.size() >= times; });
    return prepared_;
  }
  /// Waits until that many are being answered; how many were at most.
  size_t inside(size_t wanted) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return most_ >= wanted; });
    return most_;
  }
  std::string space() const override { return ""; }
  int length = 0;
  int context() const override { return length; }
  int rows(const vtok::Group &group, bool) const override { return group.tokens() + 20; }
  std::vector<float> gist(const std::string &) const override { return {}; }
  void read_ahead(const void *, const vtok::Ahead &wanted) override {
    const std::lock_guard lock(mutex_);
    if (!wanted.beginnings.empty()) prepared_.push_back(wanted.beginnings[0].size());
    changed_.notify_all();
  }
  vtok::Reading reading(const void *) const override {
    vtok::Reading reading;
    if (full) reading.failure = "no memory";
    return reading;
  }
  vtok::Answer ask(const vtok::Request &request, const std::function<void(const std::string &)> &delta) override {
    if (full) throw vtok::OutOfMemory("no memory");
    std::unique_lock lock(mutex_);
    asked.push_back(request.groups.size());
    before[request.question] = request.history;
    vtok::Answer answer;
    answer.finish_reason = "stop";
    answer.text = "to " + request.question;
    answer.visual_tokens = 1;
    if (request.question == "wait") {
      most_ = std::max(most_, ++inside_);
      changed_.notify_all();
      while (most_ < together && !*request.cancelled) changed_.wait_for(lock, std::chrono::milliseconds(5));
      --inside_;
    }
    lock.unlock();
    if (*request.cancelled) throw vtok::Cancelled();
    delta(request.question);
    return answer;
  }
};

struct Listener : vtok::AnswerListener {
  const bool is_live;
  std::atomic<unsigned> pairs{0};
  std::mutex mutex;
  std::condition_variable changed;
  std::map<uint64_t, std::string> reasons, deltas;
  std::vector<std::string> warnings;
  bool may_warn = false;
  explicit Listener(bool live) : is_live(live) {}
  std::map<uint64_t, std::string> answers(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return reasons.size() >= count; });
    return reasons;
  }
  vtok::AnswerSettings answer_settings() override { return {.pairs = pairs}; }
  bool live() override { return is_live; }
  void on_question(const vtok::Question &) override {}
  void on_delta(const vtok::Question &question, const std::string &piece) override {
    const std::lock_guard lock(mutex);
    deltas[question.id] += piece;
  }
  void on_answer(const vtok::Question &question, const vtok::Answer &answer) override {
    const std::lock_guard lock(mutex);
    CHECK(reasons.emplace(question.id, answer.finish_reason).second);
    changed.notify_all();
  }
  void on_part(const vtok::Part &) override {}
  void on_bad_part(const vtok::BadTokens &error) override { FAIL(error.what()); }
  void on_warning(const std::string &sentence) override {
    if (!may_warn) FAIL(sentence);
    const std::lock_guard lock(mutex);
    warnings.push_back(sentence);
  }
};

struct Worker {
  Listener listener;
  std::shared_ptr<Reader> reader = std::make_shared<Reader>();
  vtok::Answerer answerer{listener};

  explicit Worker(bool live) : listener(live) {
    answerer.start(vtok::memory_policies()[0], 0);
    answerer.ready(reader);
  }
  /// Adds a closed group and waits until the worker has taken it.
  void add(int tokens) {
    void *data;
    vtok::Part part{.tokens = vtok::allocate_tokens(vtok::Type::kFloat32, tokens, 4, data), .starts = true};
    std::fill_n(static_cast<float *>(data), 4 * tokens, 1.f);
    std::optional<vtok::Part> lost;
    REQUIRE(answerer.add(part, 64, vtok::Full::kWait, lost) == vtok::Answerer::Put::kTaken);
    answerer.close_group();
    rest();
  }
  /// With questions under way, of which nobody hears any more.
  void stop_untold() {
    answerer.stop();
    CHECK(listener.reasons.empty());
  }
  /// With the first three questions under way.
  void flush_three() {
    answerer.flush_start();
    answerer.flush_stop([] {});
    CHECK(listener.answers(3) == std::map<uint64_t, std::string>{{1, "cancelled"}, {2, "cancelled"}, {3, "cancelled"}});
  }
  void rest(bool after_answers = false) {
    std::promise<void> done;
    REQUIRE(answerer.run([&] { done.set_value(); }, false, after_answers));
    REQUIRE(done.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  }
};

}  // namespace

TEST_CASE("a live stream's groups are read as they close") {
  Worker worker(true);
  for (size_t i = 1; i <= 3; ++i) {
    worker.add(5);
    CHECK(worker.reader->prepared(i).size() == i);
  }
  CHECK(worker.reader->prepared(3) == std::vector<size_t>{1, 2, 3});
}

TEST_CASE("memory that runs out while reading is said once and counted, questions fail by themselves, and all goes on after it") {
  Worker worker(true);
  worker.listener.may_warn = true;
  worker.add(5);
  CHECK(worker.reader->prepared(1).size() == 1);
  worker.reader->full = true;
  for (size_t i = 2; i <= 4; ++i) {
    worker.add(5);
    CHECK(worker.reader->prepared(i).size() == i);  // it is tried again with every group
  }
  worker.answerer.ask("what?", 0, false);
  worker.rest(true);
  CHECK(worker.listener.answers(1).at(1) == "error");
  worker.reader->full = false;
  worker.add(5);
  CHECK(worker.reader->prepared(5).size() == 5);
  worker.answerer.ask("what?", 0, false);
  worker.rest(true);
  CHECK(worker.listener.answers(2).at(2) == "stop");
  CHECK(worker.reader->asked == std::vector<size_t>{5});
  CHECK(worker.answerer.failed_reads() == 3);
  REQUIRE(worker.listener.warnings.size() == 2);
  CHECK(worker.listener.warnings[0] == "the memory cannot be read ahead of questions: no memory");
  CHECK(worker.listener.warnings[1] == "question 1 cannot be answered: no memory");
}

TEST_CASE("a file's groups are read many at once, and a question sees them all") {
  Worker worker(false);
  for (int i = 0; i < 3; ++i) worker.add(200);
  CHECK(worker.reader->prepared(1) == std::vector<size_t>{3});
  worker.add(200);
  worker.answerer.ask("what?", 0, false);
  worker.rest(true);
  CHECK(worker.reader->prepared(1).size() == 1);  // counted from the last reading on
  CHECK(worker.reader->asked == std::vector<size_t>{4});
}

TEST_CASE("many small groups are read ahead too, by the rows of their times") {
  Worker worker(false);
  for (int i = 0; i < 300; ++i) worker.add(1);  // the worker reads only where nothing else waits for it
  CHECK(worker.reader->prepared(2).size() >= 2);
}

TEST_CASE("questions are answered side by side, and what runs after answers comes after all of them") {
  for (const bool live : {false, true}) {
    Worker worker(live);
    worker.add(5);
    worker.reader->together = 3;
    for (int i = 0; i < 3; ++i) CHECK(worker.answerer.ask("wait", 0, false) != 0);
    worker.rest(true);
    CHECK(worker.reader->inside(3) == 3);
    const auto reasons = worker.listener.answers(3);
    CHECK(reasons == std::map<uint64_t, std::string>{{1, "stop"}, {2, "stop"}, {3, "stop"}});
    CHECK(worker.listener.deltas == std::map<uint64_t, std::string>{{1, "wait"}, {2, "wait"}, {3, "wait"}});
    CHECK(worker.answerer.waiting() == 0);
  }
}

TEST_CASE("a live stream goes on past any number of questions; a file waits for room") {
  for (const bool live : {true, false}) {
    Worker worker(live);
    worker.add(5);
    worker.reader->together = 1000;  // never
    std::vector<uint64_t> ids;
    for (size_t i = 0; i < vtok::Answerer::kSideBySide + 2; ++i) ids.push_back(worker.answerer.ask("wait", 0, false));
    CHECK(worker.reader->inside(vtok::Answerer::kSideBySide) == vtok::Answerer::kSideBySide);
    std::promise<void> past;
    worker.answerer.run([&] { past.set_value(); });
    const auto came = past.get_future();
    CHECK((came.wait_for(std::chrono::milliseconds(live ? 20000 : 100)) == std::future_status::ready) == live);
    for (const uint64_t id : ids) CHECK(worker.answerer.cancel(id));
    CHECK(came.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    const auto reasons = worker.listener.answers(ids.size());
    CHECK(reasons.size() == ids.size());
    for (const auto &[id, reason] : reasons) CHECK(reason == "cancelled");
  }
}

TEST_CASE("a flush and a stop end answers under way; the flush answers them cancelled") {
  for (const bool flush : {true, false}) {
    Worker worker(true);
    worker.add(5);
    worker.reader->together = 1000;
    for (int i = 0; i < 3; ++i) worker.answerer.ask("wait", 0, false);
    CHECK(worker.reader->inside(3) == 3);
    if (!flush) {
      worker.stop_untold();
      continue;
    }
    worker.flush_three();
    worker.reader->together = 1;
    worker.add(5);
    worker.answerer.ask("wait", 0, false);
    worker.rest(true);
    CHECK(worker.listener.reasons.at(4) == "stop");
    CHECK(worker.reader->asked.back() == 1);
  }
}

namespace {

std::vector<vtok::Turn> turns(const std::vector<std::string> &questions) {
  std::vector<vtok::Turn> out;
  for (const std::string &question : questions) {
    out.push_back({false, question});
    out.push_back({true, "to " + question});
  }
  return out;
}

}  // namespace

TEST_CASE("with history, each question waits for the answer before it and sees as many pairs as it may") {
  for (const bool live : {false, true}) {
    Worker worker(live);
    worker.listener.pairs = 2;
    worker.add(5);
    for (const char *question : {"a", "b", "c", "d"}) CHECK(worker.answerer.ask(question, 0, false) != 0);
    worker.rest(true);
    auto &before = worker.reader->before;
    CHECK(before["a"].empty());
    CHECK(before["b"] == turns({"a"}));
    CHECK(before["c"] == turns({"a", "b"}));
    CHECK(before["d"] == turns({"b", "c"}));
    CHECK(worker.answerer.waiting() == 0);
  }
}

TEST_CASE("what asks with a history of its own neither sees the conversation nor waits for it nor gets into it") {
  Worker worker(true);
  worker.listener.pairs = 8;
  worker.add(5);
  worker.reader->together = 1000;
  const uint64_t held = worker.answerer.ask("wait", 0, false);
  const uint64_t next = worker.answerer.ask("next", 0, false);
  const auto alone = std::make_shared<vtok::AskOptions>();
  alone->history = turns({"own"});
  const uint64_t own = worker.answerer.ask("alone", 0, true, alone);
  CHECK(worker.listener.answers(1) == std::map<uint64_t, std::string>{{own, "stop"}});
  CHECK(worker.reader->before.count("next") == 0);
  CHECK(worker.answerer.cancel(held));
  CHECK(worker.listener.answers(3).at(next) == "stop");
  worker.answerer.ask("last", 0, false);
  worker.rest(true);
  CHECK(worker.reader->before["alone"] == turns({"own"}));
  CHECK(worker.reader->before["next"].empty());  // a cancelled answer is none
  CHECK(worker.reader->before["last"] == turns({"next"}));
}

TEST_CASE("a conversation that is forgotten is not seen any more, whenever its answers come; nor after a flush") {
  Worker worker(true);
  worker.listener.pairs = 8;
  worker.add(5);
  worker.reader->together = 2;
  worker.answerer.ask("wait", 0, false);
  worker.answerer.ask("old", 0, false);
  worker.answerer.forget_conversation();
  worker.answerer.ask("new", 0, false);
  worker.answerer.ask("newer", 0, false);
  CHECK(worker.reader->inside(1) == 1);
  const auto alone = std::make_shared<vtok::AskOptions>();
  alone->history.emplace();
  worker.answerer.ask("wait", 0, false, alone);  // lets the first one go on
  worker.rest(true);
  auto &before = worker.reader->before;
  CHECK(before["old"] == turns({"wait"}));
  CHECK(before["new"].empty());
  CHECK(before["newer"] == turns({"new"}));
  worker.answerer.flush_start();
  worker.answerer.flush_stop([] {});
  worker.add(5);
  worker.answerer.ask("after", 0, false);
  worker.rest(true);
  CHECK(before["after"].empty());
}

TEST_CASE("a flush and a stop end a conversation whose questions wait for one another") {
  for (const bool flush : {true, false}) {
    Worker worker(false);
    worker.listener.pairs = 1;
    worker.add(5);
    worker.reader->together = 1000;
    for (const char *question : {"wait", "b", "c"}) worker.answerer.ask(question, 0, false);
    CHECK(worker.reader->inside(1) == 1);
    if (!flush) {
      worker.stop_untold();
      continue;
    }
    worker.flush_three();
    CHECK(worker.reader->before.count("b") == 0);
    worker.add(5);
    worker.answerer.ask("again", 0, false);
    worker.rest(true);
    CHECK(worker.listener.reasons.at(4) == "stop");
  }
}

TEST_CASE("history never takes more than a quarter of the context: the older pairs are left out") {
  Worker worker(true);
  worker.listener.pairs = 8;
  worker.reader->length = 1000;
  worker.add(5);
  const std::string a(50, 'a'), b(60, 'b'), c(60, 'c');  // with their answers 103, 123 and 123 bytes
  for (const std::string &question : {a, b, c}) worker.answerer.ask(question, 0, false);
  worker.answerer.ask("d", 0, false);
  worker.rest(true);
  CHECK(worker.reader->before[c] == turns({a, b}));
  CHECK(worker.reader->before["d"] == turns({b, c}));
}
