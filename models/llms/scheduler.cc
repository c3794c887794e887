// The thread that has the language model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/llms/scheduler.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

#include "kernels/turns.h"
#include "models/error.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

constexpr double kPiece = 0.1;         // seconds of reading before others have a turn
constexpr double kAlone = 0.5;         // the same where no answer is being written: larger pieces read faster
constexpr double kShare = 0.25;        // of the time questions take: what reading ahead gets beside them
constexpr size_t kLeast = 32, kMost = 512;  // rows in a piece
constexpr size_t kUntaken = 8;         // pieces of text that wait for a slow listener before its answer does
constexpr int64_t kRecentBlocks = 16;  // blocks that nobody else holds, before the last question's are let go

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Scheduler::Scheduler(Decoder &model, int levels, at::Tensor newline, std::shared_ptr<const Tokenizer> tokenizer,
                     std::vector<int> end_tokens)
    : model_(model),
      levels_(levels),
      newline_(std::move(newline)),
      tokenizer_(std::move(tokenizer)),
      end_tokens_(std::move(end_tokens)),
      stream_(model.device().is_cuda() ? model.device().index() : -1),
      thread_([this] { run(); }) {}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  orders_.notify_all();
  thread_.join();
}

void Scheduler::submit(std::shared_ptr<Job> job) {
  job->words = tokenizer_->stream();
  {
    const std::lock_guard lock(mutex_);
    submitted_.push_back(std::move(job));
    idle_ = false;
  }
  orders_.notify_all();
}

void Scheduler::follow(Job &job, const std::function<void(const std::string &)> &give) {
  std::unique_lock lock(job.mutex);
  bool cut = false;
  for (;;) {
    job.changed.wait(lock, [&] { return job.done || !job.pieces.empty(); });
    while (!job.pieces.empty()) {
      if (job.cancelled && *job.cancelled) {  // what was written ahead of the listener is not for him any more
        job.pieces.clear();
        cut = true;
        break;
      }
      const std::string piece = std::move(job.pieces.front());
      job.pieces.pop_front();
      lock.unlock();
      {
        const std::lock_guard poke(mutex_);
        poked_ = true;  // it may have waited for this one to be taken
      }
      orders_.notify_all();
      try {
        if (give) give(piece);
      } catch (...) {
        job.abandoned = true;
        throw;
      }
      lock.lock();
    }
    if (job.done) break;
  }
  if (cut) job.finish_reason = "cancelled";
  if (job.error) std::rethrow_exception(job.error);
}

void Scheduler::read_ahead(const void *owner, Wants beginnings) {
  {
    const std::lock_guard lock(mutex_);
    wanted_[owner] = std::move(beginnings);
    idle_ = false;
  }
  orders_.notify_all();
}

Reading Scheduler::reading(const void *owner) const {
  const std::lock_guard lock(mutex_);
  const auto found = readings_.find(owner);
  return found == readings_.end() ? Reading() : found->second;
}

void Scheduler::settle() {
  std::unique_lock lock(mutex_);
  orders_.wait(lock, [&] { return idle_ || stop_; });
}

void Scheduler::run() {
  const c10::InferenceMode guard;
  const auto entered = stream_.enter();
  while (take_orders()) model_.device().is_cpu() ? in_turn([this] { round(); }) : round();
  for (const auto &job : std::vector(jobs_)) finish(job, "cancelled");
}

/// A step of every answer, and a piece of what there is to read.
void Scheduler::round() {
  const c10::InferenceMode guard;
  const auto start = std::chrono::steady_clock::now();
  const bool wrote = decode(), asked = read_prompts();
  if (wrote || asked)
    owed_ = std::min(owed_ + kShare * seconds_since(start), 2 * kPiece);
  else
    owed_ = kPiece;
  if (owed_ < kPiece) return;
  const auto ahead = std::chrono::steady_clock::now();
  if (read_held()) owed_ = std::max(0.0, owed_ - seconds_since(ahead));
}

/// Waits where there is nothing to do; false: the end.
bool Scheduler::take_orders() {
  std::vector<std::shared_ptr<Job>> jobs;
  std::map<const void *, Wants> wanted;
  {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (stop_) return false;
      const bool ordered = !submitted_.empty() || !wanted_.empty();
      const bool busy =
          std::any_of(held_.begin(), held_.end(), [](const auto &held) { return held->left() > 0; }) ||
          std::any_of(jobs_.begin(), jobs_.end(), [](const auto &job) {
            const std::lock_guard own(job->mutex);
            return job->pieces.size() < kUntaken || job->abandoned || (job->cancelled && *job->cancelled);
          });
      if (ordered || busy) break;
      if (jobs_.empty() && !std::exchange(idle_, true)) orders_.notify_all();
      // A cancelled question whose listener takes nothing is looked at now and then.
      if (jobs_.empty())
        orders_.wait(lock, [&] { return stop_ || !submitted_.empty() || !wanted_.empty(); });
      else
        orders_.wait_for(lock, std::chrono::milliseconds(20),
                         [&] { return stop_ || poked_ || !submitted_.empty() || !wanted_.empty(); });
      poked_ = false;
    }
    jobs.swap(submitted_);
    wanted.swap(wanted_);
  }
  for (auto &[owner, wants] : wanted) replace(owner, wants);
  if (!wanted.empty() && recent_.own_blocks() > kRecentBlocks) recent_prompt_ = {}, recent_ = {};
  for (auto &job : jobs) {
    job->sequence = longest(job->prompt, job->prompt.size() - 1);
    jobs_.push_back(std::move(job));
  }
  if (!wanted.empty()) publish();
  return true;
}

/// What was read of `prompt` already, at most `most` rows of it.
KvSequence Scheduler::longest(const PromptRows &prompt, size_t most) const {
  const KvSequence *best = nullptr;
  size_t rows = 0;
  const auto look = [&](const PromptRows &read, const KvSequence &sequence) {
    if (size_t(sequence.length()) <= rows) return;
    const size_t same = std::min({common_rows(prompt, read), size_t(sequence.length()), most});
    if (same > rows) best = &sequence, rows = same;
  };
  for (const auto &held : held_) look(held->target, held->sequence);
  for (const auto &job : jobs_) look(job->prompt, job->sequence);
  look(recent_prompt_, recent_);
  return best ? best->fork(int64_t(rows)) : KvSequence();
}

void Scheduler::replace(const void *owner, Wants &wants) {
  std::vector<std::unique_ptr<Held>> now;
  for (size_t i = 0; i < wants.size(); ++i) {
    auto held = std::make_unique<Held>();
    held->owner = owner;
    held->rank = int(i);
    held->sequence = longest(wants[i], wants[i].size());
    held->target = std::move(wants[i]);
    now.push_back(std::move(held));
  }
  std::erase_if(held_, [&](const auto &held) { return held->owner == owner; });
  std::move(now.begin(), now.end(), std::back_inserter(held_));
  std::stable_sort(held_.begin(), held_.end(), [](const auto &a, const auto &b) { return a->rank < b->rank; });
}

void Scheduler::publish() {
  std::map<const void *, Reading> readings;
  for (const auto &held : held_) {
    Reading &reading = readings[held->owner];
    const int64_t wanted = int64_t(held->target.size()), read = held->sequence.length();
    if (held->rank == 0) reading.first = read, reading.first_wanted = wanted;
    reading.all += read, reading.all_wanted += wanted;
    if (reading.failure.empty()) reading.failure = held->failure;
  }
  const std::lock_guard lock(mutex_);
  readings_.swap(readings);
}

void Scheduler::finish(const std::shared_ptr<Job> &job, const char *reason, std::exception_ptr error) {
  std::string rest;
  if (!error) {
    rest = job->text.push(job->words->finish());
    rest += job->text.finish();
  }
  recent_prompt_ = job->prompt;
  for (const int id : job->ids) recent_prompt_.append(id);
  recent_ = std::exchange(job->sequence, {});
  recent_.truncate(int64_t(recent_prompt_.rows.size()));
  recent_prompt_.shorten(size_t(recent_.length()));
  job->next.reset();
  std::erase(jobs_, job);
  {
    const std::lock_guard lock(job->mutex);
    if (!rest.empty()) job->pieces.push_back(rest);
    if (reason) job->finish_reason = reason;
    if (error) job->error = one_sentence(error);
    job->done = true;
  }
  job->changed.notify_all();
}

/// The id after what the job has read; false: its answer is complete.
bool Scheduler::choose(Job &job, int &id) {
  if (job.score) {
    job.logits.push_back(job.next);
    if (job.logits.size() > job.forced.size()) return false;
    id = job.forced[job.logits.size() - 1];
    return true;
  }
  const std::span<float> logits(job.next.data_ptr<float>(), size_t(job.next.size(1)));
  if (job.constraint) job.constraint->mask(logits, job.max_new_tokens - job.new_tokens);
  id = job.sampler.next(logits);
  if (job.new_tokens++ == 0) job.first = std::chrono::steady_clock::now();
  if (std::count(end_tokens_.begin(), end_tokens_.end(), id)) {
    job.finish_reason = "stop";
    return false;
  }
  job.ids.push_back(id);
  job.sampler.see(id);
  std::string piece = job.text.push(job.words->push(id));
  if (!piece.empty()) job.pieces.push_back(std::move(piece));
  job.changed.notify_all();
  const bool over = job.text.stopped() || (job.constraint && !job.constraint->take(id));
  if (over) job.finish_reason = "stop";
  return !over && job.new_tokens < job.max_new_tokens;
}

bool Scheduler::decode() {
  std::vector<int> ids;
  std::vector<std::shared_ptr<Job>> going;
  std::vector<KvSequence *> sequences;
  std::vector<int64_t> positions;
  bool any = false;
  for (const auto &job : std::vector(jobs_)) {
    if (!job->next.defined()) continue;
    std::unique_lock lock(job->mutex);
    if (job->abandoned || (job->cancelled && *job->cancelled)) {
      lock.unlock();
      finish(job, "cancelled");
      continue;
    }
    if (job->pieces.size() >= kUntaken) continue;
    any = true;
    int id = 0;
    bool more = false;
    std::exception_ptr error;
    try {
      more = choose(*job, id);
    } catch (...) {
      error = std::current_exception();
    }
    lock.unlock();
    if (!more) {
      finish(job, nullptr, error);
      continue;
    }
    ids.push_back(id);
    going.push_back(job);
    sequences.push_back(&job->sequence);
    positions.push_back(job->prompt.position_after(size_t(job->sequence.length()) - job->prompt.size()));
  }
  if (ids.empty()) return any;
  try {
    const at::Tensor logits = model_.step(ids, sequences, positions);
    for (size_t i = 0; i < going.size(); ++i) going[i]->next = logits.narrow(0, int64_t(i), 1);
  } catch (...) {
    for (const auto &job : going) finish(job, nullptr, std::current_exception());
  }
  return true;
}

size_t Scheduler::rows_in(double seconds) const {
  return size_t(fitting_rows(int64_t(std::clamp(size_t(seconds / row_seconds_), kLeast, kMost))));
}

/// What is being read ahead and has more in common with the job's prompt than either has read.
Scheduler::Held *Scheduler::shared(const Job &job) {
  for (const auto &held : held_) {
    if (held->left() == 0) continue;
    const size_t same = std::min(common_rows(job.prompt, held->target), job.prompt.size() - 1),
                 read = size_t(held->sequence.length());
    if (same > read && read >= size_t(job.sequence.length())) return held.get();
  }
  return nullptr;
}

bool Scheduler::read_prompts() {
  std::vector<Piece> pieces;
  const bool writing = std::any_of(jobs_.begin(), jobs_.end(), [](const auto &job) { return job->next.defined(); });
  size_t left = rows_in(writing ? kPiece : kAlone);
  for (const auto &job : std::vector(jobs_)) {
    if (job->next.defined()) continue;
    if (job->abandoned || (job->cancelled && *job->cancelled)) {
      finish(job, "cancelled");
      continue;
    }
    if (left == 0) continue;
    Piece piece{job, shared(*job), &job->prompt, &job->sequence, job->prompt.size()};
    if (piece.held) {
      piece.job = nullptr;
      piece.prompt = &piece.held->target;
      piece.sequence = &piece.held->sequence;
      piece.upto = std::min(common_rows(job->prompt, piece.held->target), job->prompt.size() - 1);
      if (std::any_of(pieces.begin(), pieces.end(), [&](const Piece &p) { return p.held == piece.held; })) continue;
    } else {
      KvSequence more = longest(job->prompt, job->prompt.size() - 1);
      if (more.length() > job->sequence.length()) job->sequence = std::move(more);
    }
    piece.upto = std::min(piece.upto, size_t(piece.sequence->length()) + left);
    left -= piece.upto - size_t(piece.sequence->length());
    pieces.push_back(std::move(piece));
  }
  if (!pieces.empty()) read(pieces);
  return !pieces.empty();
}

bool Scheduler::read_held() {
  std::vector<Piece> pieces;
  size_t left = rows_in(kPiece);
  for (const auto &held : held_) {
    if (held->left() == 0 || left == 0) continue;
    const size_t from = size_t(held->sequence.length()), upto = from + std::min(held->left(), left);
    left -= upto - from;
    pieces.push_back({nullptr, held.get(), &held->target, &held->sequence, upto});
  }
  if (!pieces.empty()) read(pieces);
  return !pieces.empty();
}

void Scheduler::failed(Piece &piece, std::exception_ptr error) {
  if (piece.job) return finish(piece.job, nullptr, error);
  try {
    std::rethrow_exception(one_sentence(error));
  } catch (const std::exception &e) {
    piece.held->failure = e.what();
  }
}

void Scheduler::read(std::vector<Piece> &pieces) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<at::Tensor> rows;
  std::vector<Decoder::Span> spans;
  std::erase_if(pieces, [&](Piece &piece) {
    const size_t from = size_t(piece.sequence->length());
    try {
      rows.push_back(input_rows(*piece.prompt, from, piece.upto, model_, levels_, newline_));
      const std::vector<Position> &positions = piece.prompt->positions;
      spans.push_back({piece.sequence, int64_t(piece.upto - from), positions.empty() ? nullptr : &positions[from]});
      return false;
    } catch (...) {
      failed(piece, std::current_exception());
      return true;
    }
  });
  if (pieces.empty()) return publish();
  try {
    const at::Tensor all = rows.size() == 1 ? rows[0] : at::cat(rows);
    const int64_t width = model_.config().hidden;
    const at::Tensor levels = levels_ > 1 ? all.narrow(1, width, (levels_ - 1) * width) : at::Tensor(),
                     hidden = model_.read(all.narrow(1, 0, width), spans, levels);
    rows_read_ += all.size(0);
    row_seconds_ += 0.3 * (seconds_since(start) / double(all.size(0)) - row_seconds_);
    for (size_t i = 0; i < pieces.size(); ++i)
      if (pieces[i].job && pieces[i].upto == pieces[i].prompt->size())
        pieces[i].job->next = model_.logits(hidden.narrow(0, int64_t(i), 1));
  } catch (...) {
    for (Piece &piece : pieces) failed(piece, std::current_exception());
  }
  publish();
}

}  // namespace vtok
