// The worker: what comes in, in order.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/answerer.h"

#include <algorithm>
#include <utility>

#include "models/error.h"

namespace vtok {
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
  const AnswerSettings settings = listener_.answer_settings();
  const int most = memory_tokens_ ? memory_tokens_ : llm_ ? llm_->context() : 1;
  MemorySettings wanted{.room = {most, 0}, .rows = nullptr, .gist = nullptr};
  if (llm_) {
    // What stays of the context beside a usual question and its answer.
    constexpr size_t kQuestion = 256, kToken = 4;  // bytes
    const size_t pairs = settings.pairs * (kQuestion + kToken * size_t(settings.sampling.max_new_tokens));
    if (llm_->context() > 0)
      wanted.room.rows = std::max<int64_t>(
          1, room_for(kQuestion + settings.system_prompt.size() + std::min(pairs, longest_history()), settings).rows);
    wanted.rows = [llm = llm_, timestamps = settings.timestamps](const Group &group) {
      return llm->rows(group, timestamps);
    };
    wanted.gist = [llm = llm_](const std::string &text) { return llm->gist(text); };
  }
  memory_ = policy_->make(wanted);
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
  answering_.stop();
  pending_.take_all();
  forget();
  kept_.clear();
  memory_ = nullptr;
  const std::lock_guard lock(loading_);
  llm_ = arrived_ = nullptr;
  loaded_ = false;
}

void Answerer::forget() {
  gather_.reset();
  newest_ = 0;
  began_ = INT64_MAX;
  if (memory_) memory_->clear();
  if (llm_) llm_->read_ahead(this, {});
  unread_ = 0;
  under_way_ = 0;
  said_.clear();
  waiting_.clear();
  talking_ = false;
  forgotten_ = 0;
  failed_reads_ = 0;
  failure_.clear();
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
  const bool alone = options && options->history;
  Question question = pending_.open(std::move(text), at, scheduled, std::move(options));
  if (!alone) question.conversation = conversation_;
  const uint64_t id = question.id;
  Item item = std::move(question);
  if (queue_.put_event(item)) return id;
  pending_.close(id);
  return 0;
}

bool Answerer::run(std::function<void()> what, bool always, bool after_answers) {
  Item item = Run{std::move(what), always, after_answers};
  return queue_.put_event(item);
}

bool Answerer::remembered(std::function<void(std::vector<GroupPtr>)> tell) {
  return run([this, tell = std::move(tell)] {
    tell(memory_ ? memory_->recall("", gather_.open(), {}) : std::vector<GroupPtr>{});
  });
}

void Answerer::flush_start() {
  pending_.cancel_all();
  for (Item &item : queue_.flush(true))
    if (auto *run = std::get_if<Run>(&item); run && run->always) kept_.push_back(std::move(*run));
}

void Answerer::flush_stop(const std::function<void()> &rested) {
  queue_.wait_idle();
  answering_.wait_idle();
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
  // A live stream may be asked at any moment and leaves time to read each group as it closes. A file is to be through soon, and
  // many rows read at once cost a fraction of as many reads.
  constexpr int64_t kFileRows = 512;
  for (;;) {
    const bool live = listener_.live();
    if (unread_ > 0 && queue_.empty() && (live || unread_ >= kFileRows)) read_ahead();
    auto item = queue_.take(!live && (under_way_ >= kSideBySide || !waiting_.empty()));
    if (!item) {
      if (!queue_.wait_flushed()) return;
      continue;
    }
    adopt();
    handle(*item);
  }
}

void Answerer::handle(Item &item) {
  if (auto *part = std::get_if<Part>(&item)) {
    take(*part);
  } else if (auto *question = std::get_if<Question>(&item)) {
    answer(*question);
  } else if (auto *piece = std::get_if<Piece>(&item)) {
    if (!quit_ && !*piece->asked->question.cancelled) listener_.on_delta(piece->asked->question, piece->text);
  } else if (auto *over = std::get_if<Done>(&item)) {
    --under_way_;
    done(*over->asked, over->answer);
    converse();
  } else if (auto &run = std::get<Run>(item); !run.after_answers || await_answers()) {
    run.what();
  }
}

bool Answerer::await_answers() {
  while (under_way_ > 0) {
    auto item = queue_.take(true);
    if (!item) return false;
    handle(*item);
  }
  return true;
}

void Answerer::take(Part &part) {
  Part seen = part;  // the numbers are shared
  if (memory_) memory_->steady(listener_.live());
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
  if (llm_) unread_ += llm_->rows(*group, listener_.answer_settings().timestamps);
  memory_->add(std::move(group));
  forgotten_ = memory_->forgotten();
}

Reading Answerer::reading() const {
  const std::lock_guard lock(loading_);
  return llm_ ? llm_->reading(this) : Reading();
}

}  // namespace vtok
