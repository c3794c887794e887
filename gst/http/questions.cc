// From a chat request to the element's question and back.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/questions.h"

#include <ctime>
#include <utility>

namespace vtok {
namespace {

constexpr char kJson[] = "application/json";

std::string random_id() {
  gchar *uuid = g_uuid_string_random();
  std::string id = uuid;
  g_free(uuid);
  std::erase(id, '-');
  return id;
}

// Why there is no answer; status 0: there is one.
ApiError failure(const Answer &answer) {
  if (answer.finish_reason == "stop" || answer.finish_reason == "length") return {0, ""};
  if (answer.finish_reason == "no-tokens" && answer.error.empty())
    return {503, "there is nothing to ask about: no tokens came yet", "no_tokens", "", 1};
  if (answer.finish_reason == "not-remembered") return {404, answer.error, "not_remembered", "messages"};
  if (answer.finish_reason == "no-tokens") return {400, answer.error, "context_length_exceeded"};
  if (answer.unmet) return {400, answer.error, "cannot_be_met"};
  if (answer.finish_reason == "error") return {500, answer.error, "answer_failed"};
  return {503, "the question was cancelled: the stream was flushed or stopped", "cancelled", "", 1};
}

void check_ready(Served &served) {
  switch (served.serving()) {
    case Served::State::kReady:
      return;
    case Served::State::kLoading:
      throw ApiError(503, "the model is still loading", "model_loading", "", 2);
    case Served::State::kStopped:
      throw ApiError(503, "the camera is not running", "stopped", "", 5);
    case Served::State::kFailed:
      throw ApiError(503, "the model could not be loaded", "model_failed");
  }
}

}  // namespace

/// Lives as long as the question: one that ends without an answer was cancelled with the element's stop.
class Questions::Listener : public QuestionListener {
  Questions &questions_;
  const std::shared_ptr<Loop>
      loop_;  // what is posted after its end is never run, so that questions_ is there if it is
  const uint64_t key_;
  bool answered_ = false;

 public:
  Listener(Questions &questions, uint64_t key) : questions_(questions), loop_(questions.loop_), key_(key) {}
  ~Listener() override {
    if (!answered_) loop_->post([q = &questions_, key = key_] { q->on_answer(key, {}, 0, 0); });
  }
  void on_delta(const std::string &piece) override {
    loop_->post([q = &questions_, key = key_, piece] { q->on_delta(key, piece); });
  }
  void on_answer(const Answer &answer, int64_t from, int64_t to) override {
    answered_ = true;
    loop_->post([q = &questions_, key = key_, answer, from, to] { q->on_answer(key, answer, from, to); });
  }
};

void Questions::ask(ChatRequest request,
                    const std::function<std::unique_ptr<Reply>(std::function<void()> gone)> &reply) {
  const std::string model = served_.model_name();
  if (!request.model.empty() && request.model != model)
    throw ApiError(404, "there is no model '" + request.model + "', the camera's is '" + model + "'",
                   "model_not_found", "model");
  check_ready(served_);
  if (open_.size() >= limit_)
    throw ApiError(429,
                   std::to_string(open_.size()) + " questions are being answered, no more are taken at once",
                   "rate_limit_exceeded", "", 1);
  const uint64_t key = ++last_;
  request.options.listener = std::make_shared<Listener>(*this, key);
  uint64_t question;
  try {
    question = served_.ask(request.question, std::make_shared<AskOptions>(std::move(request.options)));
  } catch (const std::invalid_argument &error) {
    throw ApiError(400, error.what(), "", "messages");
  } catch (const std::logic_error &error) {
    throw ApiError(503, error.what(), "stopped", "", 1);
  }
  Open &open = open_[key];
  open.question = question;
  open.stream = request.stream;
  open.completion = {"chatcmpl-" + random_id(), model, int64_t(std::time(nullptr)), request.include_usage};
  open.limit.start(*loop_, answer_ms_,
                   [this, key] { fail(key, ApiError(504, "the answer was not there in time", "timeout")); });
  open.reply = reply([this, key] { forget(key); });
}

void Questions::on_delta(uint64_t key, const std::string &piece) {
  const auto found = open_.find(key);
  if (found == open_.end() || !found->second.stream) return;
  Open &open = found->second;
  if (!open.reply->streaming()) {
    open.reply->start_events();
    open.reply->event(server_sent(open.completion.first()));
  }
  open.reply->event(server_sent(open.completion.piece(piece)));
}

void Questions::on_answer(uint64_t key, const Answer &answer, int64_t from, int64_t to) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  if (const ApiError error = failure(answer); error.status) return fail(key, error);
  Open &open = found->second;
  const Completion &completion = open.completion;
  if (open.stream) {
    if (!open.reply->streaming()) {
      open.reply->start_events();
      open.reply->event(server_sent(completion.first()));
    }
    open.reply->event(server_sent(completion.last(answer, from, to)));
    if (completion.include_usage) open.reply->event(server_sent(completion.usage(answer)));
    open.reply->event(kStreamEnd);
    open.reply->end();
  } else {
    open.reply->whole(SOUP_STATUS_OK, kJson, completion.whole(answer, from, to));
  }
  open_.erase(found);
}

void Questions::fail(uint64_t key, const ApiError &error) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  Open &open = found->second;
  served_.cancel(open.question);
  if (open.reply->streaming()) {
    open.reply->event(server_sent(error.body()));
    open.reply->event(kStreamEnd);
    open.reply->end();
  } else {
    open.reply->whole(error);
  }
  open_.erase(found);
}

void Questions::forget(uint64_t key) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  served_.cancel(found->second.question);
  open_.erase(found);
}

void Questions::stop() {
  while (!open_.empty()) fail(open_.begin()->first, ApiError(503, "the camera stops", "stopped", "", 5));
}

}  // namespace vtok
