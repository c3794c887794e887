// The worker behind vtokllm and vtokllmsink: when it reads groups ahead of a question.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/answerer.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

namespace {

/// Notes how many groups it was to read ahead, and how many a question came with.
class Reader : public vtok::Llm {
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<size_t> prepared_;

 public:
  std::vector<size_t> asked;
  /// What was read ahead, once it was that often.
  std::vector<size_t> prepared(size_t times) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return prepared_.size() >= times; });
    return prepared_;
  }
  std::string space() const override { return ""; }
  int context() const override { return 0; }
  int rows(const vtok::Group &group, bool) const override { return group.tokens(); }
  void read_ahead(const void *, const vtok::Ahead &wanted) override {
    const std::lock_guard lock(mutex_);
    if (!wanted.beginnings.empty()) prepared_.push_back(wanted.beginnings[0].size());
    changed_.notify_all();
  }
  vtok::Reading reading(const void *) const override { return {}; }
  vtok::Answer ask(const vtok::Request &request, const std::function<void(const std::string &)> &) override {
    asked.push_back(request.groups.size());
    return {};
  }
};

struct Listener : vtok::AnswerListener {
  int rows;
  explicit Listener(int read_ahead) : rows(read_ahead) {}
  vtok::AnswerSettings answer_settings() override { return {}; }
  int read_ahead() override { return rows; }
  void on_delta(const vtok::Question &, const std::string &) override {}
  void on_answer(const vtok::Question &, const vtok::Answer &) override {}
  void on_part(const vtok::Part &) override {}
  void on_bad_part(const vtok::BadTokens &error) override { FAIL(error.what()); }
  void on_warning(const std::string &sentence) override { FAIL(sentence); }
};

struct Worker {
  Listener listener;
  std::shared_ptr<Reader> reader = std::make_shared<Reader>();
  vtok::Answerer answerer{listener};

  explicit Worker(int read_ahead) : listener(read_ahead) {
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
  void rest() {
    std::promise<void> done;
    REQUIRE(answerer.run([&] { done.set_value(); }));
    done.get_future().wait();
  }
};

}  // namespace

TEST_CASE("a live stream's groups are read as they close") {
  Worker worker(1);
  for (size_t i = 1; i <= 3; ++i) {
    worker.add(5);
    CHECK(worker.reader->prepared(i).size() == i);
  }
  CHECK(worker.reader->prepared(3) == std::vector<size_t>{1, 2, 3});
}

TEST_CASE("a file's groups are read many at once, and a question sees them all") {
  Worker worker(512);
  for (int i = 0; i < 3; ++i) worker.add(200);
  CHECK(worker.reader->prepared(1) == std::vector<size_t>{3});
  worker.add(200);
  worker.answerer.ask("what?", 0, false);
  worker.rest();
  CHECK(worker.reader->prepared(1).size() == 1);  // counted from the last reading on
  CHECK(worker.reader->asked == std::vector<size_t>{4});
}

TEST_CASE("many small groups are read ahead too, by the rows of their times") {
  Worker worker(512);
  for (int i = 0; i < 40; ++i) worker.add(1);
  CHECK(worker.reader->prepared(2).size() == 2);
}
