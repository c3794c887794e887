// Remembering and answering, in one thread.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/answerer.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "models/error.h"
#include "models/prompt.h"

namespace vtok {
namespace {

constexpr int kTimes = 32;  // rows the times of a group take, at most

AnswerSettings overridden(AnswerSettings settings, const AskOptions *options) {
  if (!options) return settings;
  if (options->system_prompt) settings.system_prompt = *options->system_prompt;
  settings.history = options->history;
  Sampling &sampling = settings.sampling;
  if (options->max_new_tokens) sampling.max_new_tokens = *options->max_new_tokens;
  if (options->temperature) sampling.temperature = options->temperature;
  if (options->top_p) sampling.top_p = options->top_p;
  if (options->seed) sampling.seed = *options->seed;
  if (!options->stop.empty()) sampling.stop = options->stop;
  return settings;
}

// Bytes, and so at most as many tokens, of what a question brings with it.
size_t text_size(const std::string &question, const AnswerSettings &settings) {
  size_t size = question.size() + settings.system_prompt.size();
  for (const Turn &turn : settings.history)
    size += turn.text.size() + 16;  // of the template, for each message
  return size;
}

}  // namespace

void Answerer::start(const MemoryPolicy &policy, int memory_tokens) {
  policy_ = &policy;
  memory_tokens_ = memory_tokens;
  quit_ = false;
  queue_.reopen();
  queue_.hold(true);
  thread_ = std::thread([this] { work(); });
}

void Answerer::ready(std::shared_ptr<Llm> llm) {
  {
    std::lock_guard lock(loading_);
    arrived_ = std::move(llm);
    loaded_ = true;
  }
  queue_.hold(false);
}

void Answerer::adopt() {
  std::lock_guard lock(loading_);
  if (!loaded_ || memory_) return;
  llm_ = std::move(arrived_);
  const int most = memory_tokens_ ? memory_tokens_ : llm_ ? llm_->context() : 1;
  memory_ = policy_->make(most);
  gather_.bound(most);
}

void Answerer::interrupt_all() {
  quit_ = true;
  pending_.cancel_all();
  queue_.close();
}

void Answerer::stop() {
  interrupt_all();
  if (thread_.joinable()) thread_.join();
  pending_.take_all();
  forget();
  kept_.clear();
  memory_ = nullptr;
  llm_ = arrived_ = nullptr;
  loaded_ = false;
}

void Answerer::forget() {
  gather_.reset();
  newest_ = 0;
  began_ = INT64_MAX;
  if (memory_) memory_->clear();
  if (llm_) llm_->read_ahead(this, {});
  unprepared_ = 0;
  told_ = false;
}

Answerer::Put Answerer::add(Part &part, size_t limit, Full full, std::optional<Part> &lost) {
  Item item = std::move(part);
  std::optional<Item> lost_item;
  const Put put = queue_.put_frame(item, limit, full, lost_item);
  if (put == Put::kFlushing || put == Put::kInterrupted) part = std::move(std::get<Part>(item));
  if (lost_item) lost = std::move(std::get<Part>(*lost_item));
  return put;
}

uint64_t Answerer::ask(std::string text, int64_t at, bool scheduled,
                       std::shared_ptr<const AskOptions> options) {
  Question question = pending_.open(std::move(text), at, scheduled, std::move(options));
  const uint64_t id = question.id;
  Item item = std::move(question);
  if (queue_.put_event(item)) return id;
  pending_.close(id);
  return 0;
}

bool Answerer::run(std::function<void()> what, bool always) {
  Item item = Run{std::move(what), always};
  return queue_.put_event(item);
}

bool Answerer::remembered(std::function<void(std::vector<GroupPtr>)> tell) {
  return run([this, tell = std::move(tell)] {
    tell(memory_ ? memory_->recall("", gather_.open(), 0) : std::vector<GroupPtr>{});
  });
}

void Answerer::flush_start() {
  pending_.cancel_all();
  for (Item &item : queue_.flush(true))
    if (auto *run = std::get_if<Run>(&item); run && run->always) kept_.push_back(std::move(*run));
}

void Answerer::flush_stop(const std::function<void()> &rested) {
  queue_.wait_idle();
  for (const Question &question : pending_.take_all()) {
    Answer cancelled;
    cancelled.finish_reason = "cancelled";
    listener_.on_answer(question, cancelled);
  }
  forget();
  rested();
  for (const Run &run : std::exchange(kept_, {})) run.what();
  queue_.flush(false);
}

void Answerer::work() {
  for (;;) {
    if (unprepared_ && queue_.empty() && unprepared_ >= listener_.read_ahead()) prepare();
    auto item = queue_.take();
    if (!item) {
      if (!queue_.wait_flushed()) return;
      continue;
    }
    adopt();
    if (auto *part = std::get_if<Part>(&*item)) {
      take(*part);
    } else if (auto *question = std::get_if<Question>(&*item)) {
      answer(*question);
    } else {
      std::get<Run>(*item).what();
    }
  }
}

void Answerer::take(Part &part) {
  Part seen = part;  // the numbers are shared
  try {
    close(gather_.add(std::move(part)));
    began_ = std::min(began_, seen.from);
    listener_.on_part(seen);
  } catch (const BadTokens &error) {
    listener_.on_bad_part(error);
  }
}

void Answerer::close(GroupPtr group) {
  if (!group || !memory_ || group->tokens() == 0) return;
  newest_ = group->parts.back().n;
  unprepared_ += group->tokens() + kTimes;
  memory_->add(std::move(group));
}

void Answerer::answer(const Question &question) {
  const AnswerSettings settings = overridden(listener_.answer_settings(), question.options.get());
  Answer answer;
  try {
    answer = answer_of(question, settings);
  } catch (const Cancelled &) {
    answer.finish_reason = "cancelled";
  } catch (const std::exception &error) {
    answer.finish_reason = "error";
    answer.error = error.what();
    listener_.on_warning("question " + std::to_string(question.id) + " cannot be answered: " + error.what());
  }
  if (context_bounds_ && answer.visual_tokens > 0 && answer.from > began_ && !std::exchange(told_, true))
    listener_.on_warning("question " + std::to_string(question.id) + " sees " +
                         timestamp_text(answer.from, answer.to) +
                         " only: with what came before, the prompt is longer than the model's context of " +
                         std::to_string(llm_->context()));
  pending_.close(question.id);
  // While the element stops nobody listens any more.
  if (!quit_) listener_.on_answer(question, answer);
}

Answer Answerer::answer_of(const Question &question, const AnswerSettings &settings) {
  if (*question.cancelled) throw Cancelled();
  if (memory_ && !llm_) throw std::runtime_error("the model is not loaded");
  Request request;
  request.id = question.id;
  request.question = question.text;
  request.system_prompt = settings.system_prompt;
  request.history = settings.history;
  request.groups = recall(question.text, gather_.open(), settings);
  request.timestamps = settings.timestamps;
  request.sampling = settings.sampling;
  request.cancelled = question.cancelled;
  if (request.groups.empty()) {
    const std::string number = "question " + std::to_string(question.id);
    Answer none;
    none.finish_reason = "no-tokens";
    if (newest_ > 0)
      none.error = room_ < 1 ? number + " sees nothing: it and an answer of up to " +
                                   std::to_string(settings.sampling.max_new_tokens) +
                                   " tokens (max-new-tokens) leave no room in the model's context of " +
                                   std::to_string(llm_->context())
                             : number + " sees nothing: the newest part of the newest group has " +
                                   std::to_string(newest_) +
                                   " tokens, more than memory-tokens or the model's context leave for them";
    listener_.on_warning(none.error.empty() ? "no tokens had arrived when " + number + " was asked"
                                            : none.error);
    return none;
  }
  return llm_->ask(request, [&](const std::string &piece) {
    if (!quit_ && !piece.empty()) listener_.on_delta(question, piece);
  });
}

std::vector<GroupPtr> Answerer::recall(const std::string &question, GroupPtr open,
                                       const AnswerSettings &settings) {
  if (open && open->tokens() == 0) open = nullptr;
  if (!memory_) return {};
  if (open) newest_ = open->parts.back().n;
  // A text has at most as many tokens as bytes; the chat template takes a few of its own.
  constexpr int kTemplate = 64;
  const int times = settings.timestamps ? kTimes : 0;
  int budget = memory_tokens_;  // of visual tokens; 0: no bound
  room_ = INT_MAX;
  context_bounds_ = false;
  if (llm_ && llm_->context() > 0) {
    room_ = llm_->context() - settings.sampling.max_new_tokens - kTemplate -
            int(text_size(question, settings)) - times;
    if (room_ < 1) return {};
    context_bounds_ = budget == 0 || room_ < budget;
    if (context_bounds_) budget = room_;
  }
  auto groups = memory_->recall(question, open, budget);
  // The times of more groups than one need room too, at the oldest groups' expense.
  int64_t rows = -times;
  for (const auto &group : groups) rows += group->tokens() + times;
  auto first = groups.begin();
  while (rows > room_ && first != groups.end() && first + 1 != groups.end())
    rows -= (*first++)->tokens() + times;
  context_bounds_ = context_bounds_ || first != groups.begin();
  groups.erase(groups.begin(), first);
  if (!groups.empty() || !open) return groups;
  groups = memory_->recall(question, nullptr, budget);
  if (!groups.empty())
    listener_.on_warning("the open group, whose newest part has " + std::to_string(open->parts.back().n) +
                         " tokens, was left out: with it the prompt is longer than " +
                         (context_bounds_ ? "the model's context" : "memory-tokens"));
  return groups;
}

void Answerer::prepare() {
  unprepared_ = 0;
  if (!llm_) return;
  const AnswerSettings settings = listener_.answer_settings();
  Ahead ahead;
  ahead.system_prompt = settings.system_prompt;
  ahead.timestamps = settings.timestamps;
  ahead.beginnings.push_back(recall("", nullptr, settings));
  try {
    if (!ahead.beginnings[0].empty()) llm_->read_ahead(this, ahead);
  } catch (const std::exception &error) {
    listener_.on_warning(std::string("the memory cannot be prepared for questions: ") + error.what());
  }
}

}  // namespace vtok
