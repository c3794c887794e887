// Questions: what each may see, and what becomes of it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "gst/answerer.h"
#include "models/error.h"
#include "models/prompt.h"

namespace vtok {
namespace {

constexpr int kTimes = 32;  // rows the times of a group take, at most

AnswerSettings overridden(AnswerSettings settings, const AskOptions *options) {
  if (!options) return settings;
  if (options->system_prompt) settings.system_prompt = *options->system_prompt;
  if (options->history) settings.history = *options->history;
  Sampling &sampling = settings.sampling;
  if (options->max_new_tokens) sampling.max_new_tokens = *options->max_new_tokens;
  if (options->temperature) sampling.temperature = options->temperature;
  if (options->top_p) sampling.top_p = options->top_p;
  if (options->seed) sampling.seed = *options->seed;
  if (!options->stop.empty()) sampling.stop = options->stop;
  if (!options->choices.empty() || !options->schema.empty() || options->watch >= 0) {
    sampling.choices = options->choices;
    sampling.schema = options->schema;
  }
  return settings;
}

// Bytes, and so at most as many tokens, of what a question brings with it.
size_t text_size(const std::string &question, const AnswerSettings &settings) {
  size_t size = question.size() + settings.system_prompt.size();
  for (const Turn &turn : settings.history)
    size += turn.text.size() + 16;  // of the template, for each message
  return size;
}

// What becomes of a question that threw.
Answer failed(std::exception_ptr why) {
  Answer answer;
  answer.finish_reason = "error";
  try {
    std::rethrow_exception(why);
  } catch (const Cancelled &) {
    answer.finish_reason = "cancelled";
  } catch (const std::exception &error) {
    answer.error = error.what();
    answer.unmet = dynamic_cast<const CannotBeMet *>(&error);
  }
  return answer;
}

}  // namespace

void Answerer::answer(const Question &question) {
  listener_.on_question(question);
  AnswerSettings settings = overridden(listener_.answer_settings(), question.options.get());
  if (!question.conversation || settings.pairs == 0) return start(question, std::move(settings), false);
  waiting_.push_back(question);
  converse();
}

void Answerer::converse() {
  while (!talking_ && !waiting_.empty()) {
    const Question question = std::move(waiting_.front());
    waiting_.pop_front();
    AnswerSettings settings = overridden(listener_.answer_settings(), question.options.get());
    settings.history = said_.last(question.conversation, settings.pairs, longest_history());
    talking_ = true;
    start(question, std::move(settings), true);
  }
}

// Bytes, and so at most as many tokens, of earlier questions and answers: most of the context is for what is seen.
size_t Answerer::longest_history() const {
  return llm_ && llm_->context() > 0 ? size_t(llm_->context()) / 4 : SIZE_MAX;
}

void Answerer::start(const Question &question, AnswerSettings settings, bool talks) {
  context_bounds_ = false;
  Answer answer;
  try {
    Request request = request_for(question, settings);
    const auto asked = std::make_shared<const Asked>(Asked{question, context_bounds_, talks});
    if (!request.groups.empty()) return begin(asked, std::move(request));
    answer = sees_nothing(question, settings);
  } catch (...) {
    answer = failed(std::current_exception());
  }
  done({question, false, talks}, answer);
}

Request Answerer::request_for(const Question &question, const AnswerSettings &settings) {
  if (*question.cancelled) throw Cancelled();
  if (memory_ && !llm_) throw std::runtime_error("the model is not loaded");
  Request request;
  request.id = question.id;
  request.question = question.text;
  const auto span = take_span(request.question);
  request.system_prompt = settings.system_prompt;
  request.history = settings.history;
  request.groups = span ? recall(*span, request.question, settings) : recall(question.text, gather_.open(), settings);
  request.timestamps = settings.timestamps;
  request.compact = settings.compact;
  request.sampling = settings.sampling;
  request.cancelled = question.cancelled;
  return request;
}

Answer Answerer::sees_nothing(const Question &question, const AnswerSettings &settings) {
  const std::string number = "question " + std::to_string(question.id);
  Answer none;
  none.finish_reason = "no-tokens";
  if (std::string text = question.text; newest_ > 0 && take_span(text)) {
    none.finish_reason = "not-remembered";
    none.error = number + " sees nothing: nothing is remembered of the time that it is about";
  } else if (newest_ > 0)
    none.error = room_ < 1 ? number + " sees nothing: it and an answer of up to " +
                                 std::to_string(settings.sampling.max_new_tokens) +
                                 " tokens (max-new-tokens) leave no room in the model's context of " +
                                 std::to_string(llm_->context())
                           : number + " sees nothing: the newest part of the newest group has " +
                                 std::to_string(newest_) +
                                 " tokens, more than memory-tokens or the model's context leave for them";
  listener_.on_warning(none.error.empty() ? "no tokens had arrived when " + number + " was asked" : none.error);
  return none;
}

void Answerer::begin(std::shared_ptr<const Asked> asked, Request request) {
  ++under_way_;
  answering_.begin([this, asked = std::move(asked), request = std::move(request), llm = llm_] {
    const std::chrono::duration<double, std::milli> waited =
        std::chrono::steady_clock::now() - asked->question.asked;
    Answer answer;
    try {
      if (*request.cancelled) throw Cancelled();
      answer = llm->ask(request, [&](const std::string &text) {
        if (text.empty()) return;
        auto told = std::make_shared<std::promise<void>>();
        const auto heard = told->get_future();
        {
          Item piece = Piece{asked, text, std::move(told)};
          if (!queue_.put_urgent(piece)) return;
        }
        heard.wait();
      });
    } catch (...) {
      answer = failed(std::current_exception());
    }
    if (answer.new_tokens > 0) answer.ttft_ms += waited.count();
    answer.total_ms += waited.count();
    Item over = Done{asked, std::move(answer)};
    queue_.put_urgent(over);  // refused: a flush answers it
  });
}

void Answerer::done(const Asked &asked, const Answer &answer) {
  const Question &question = asked.question;
  if (answer.finish_reason == "error")
    listener_.on_warning("question " + std::to_string(question.id) + " cannot be answered: " + answer.error);
  if (asked.context_bounds && answer.visual_tokens > 0 && answer.from > began_ && !std::exchange(told_, true))
    listener_.on_warning("question " + std::to_string(question.id) + " sees " +
                         timestamp_text(answer.from, answer.to) +
                         " only: with what came before, the prompt is longer than the model's context of " +
                         std::to_string(llm_->context()));
  pending_.close(question.id);
  if (asked.talks) {
    talking_ = false;
    if (const size_t pairs = listener_.answer_settings().pairs;
        pairs > 0 && (answer.finish_reason == "stop" || answer.finish_reason == "length"))
      said_.add(question.conversation, question.text, answer.text, pairs);
  }
  // While the element stops nobody listens any more.
  if (!quit_) listener_.on_answer(question, answer);
}

/// Rows of a prompt for groups and their times beside `text` bytes of text and an answer; negative where there are none.
Room Answerer::room_for(size_t text, const AnswerSettings &settings) const {
  if (!llm_ || llm_->context() <= 0) return {memory_tokens_, 0};
  // A text has at most as many tokens as bytes; the chat template takes a few of its own.
  constexpr int kTemplate = 64;
  return {memory_tokens_, llm_->context() - settings.sampling.max_new_tokens - kTemplate - int64_t(text)};
}

std::vector<GroupPtr> Answerer::recall(const std::string &question, GroupPtr open,
                                       const AnswerSettings &settings) {
  if (open && open->tokens() == 0) open = nullptr;
  if (!memory_) return {};
  if (open) newest_ = open->parts.back().n;
  const Room most = {memory_tokens_, 0};
  Room room = room_for(text_size(question, settings), settings);
  room_ = 1;
  if (room.rows) {
    room_ = room.rows - (settings.timestamps ? kTimes : 0);  // of visual tokens: one group's times need room in any case
    if (room_ < 1) return {};
    if (!room.tokens || room_ < room.tokens) room.tokens = room_;
  }
  auto groups = memory_->recall(question, open, room);
  context_bounds_ = room.rows && (!memory_tokens_ || room_ < memory_tokens_ ||
                                  groups.size() < memory_->recall(question, open, most).size());
  if (!groups.empty() || !open) return groups;
  groups = memory_->recall(question, nullptr, room);
  if (!groups.empty())
    listener_.on_warning("the open group, whose newest part has " + std::to_string(open->parts.back().n) +
                         " tokens, was left out: with it the prompt is longer than " +
                         (room.tokens == memory_tokens_ ? "memory-tokens" : "the model's context"));
  return groups;
}

/// What is remembered of a span. It is read for this question, so there is a bound to it: of more, groups spread over the span.
std::vector<GroupPtr> Answerer::recall(const Span &span, const std::string &question, const AnswerSettings &settings) {
  constexpr int64_t kMostRows = 4096;
  if (!memory_) return {};
  std::vector<GroupPtr> groups = memory_->held();
  if (const GroupPtr open = gather_.open(); open && open->tokens() > 0) groups.push_back(open);
  const int64_t now = groups.empty() ? 0 : groups.back()->to, from = span.from.at(now), to = span.to.at(now);
  std::erase_if(groups, [&](const GroupPtr &group) { return group->to <= from || group->from >= to; });
  const Room room = room_for(text_size(question, settings), settings);
  return spread(std::move(groups), room.rows ? std::min(kMostRows, room.rows) : kMostRows, [&](const Group &group) {
    return llm_->rows(group, settings.timestamps);
  });
}

void Answerer::read_ahead() {
  unread_ = 0;
  if (!llm_ || !memory_) return;
  const AnswerSettings settings = listener_.answer_settings();
  Ahead ahead;
  ahead.system_prompt = settings.system_prompt;
  ahead.timestamps = settings.timestamps;
  ahead.compact = settings.compact;
  ahead.beginnings = memory_->begins();
  // A file's memory is cut to the prompt's room where a question comes; where that is so already, the next group changes what a
  // prompt begins with, and nothing is worth reading.
  if (!listener_.live() && !ahead.beginnings.empty() &&
      recall("", nullptr, settings).size() < ahead.beginnings[0].size())
    ahead.beginnings.clear();
  try {
    const std::string failure = llm_->reading(this).failure;  // of what was wanted before
    llm_->read_ahead(this, ahead);
    if (!failure.empty()) throw std::runtime_error(failure);
    failure_.clear();
  } catch (const std::exception &error) {
    ++failed_reads_;
    if (error.what() == std::exchange(failure_, error.what())) return;  // said before
    listener_.on_warning(std::string("the memory cannot be read ahead of questions: ") + error.what());
  }
}

}  // namespace vtok
