// Calls that wait for a model are computed together: several streams on one model make full batches.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace vtok {

/// One batch at a time, in the order of the calls; those that come meanwhile join the next one as far as it has room.
template <class In, class Out>
class Together {
  struct Call {
    std::span<const In> in;
    std::vector<Out> out;
    std::exception_ptr error;
    bool done = false;
  };
  const size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call *> waiting_;
  bool busy_ = false;

  template <class Work>
  static void alone(Call &call, Work &work) {
    try {
      call.out = work(call.in);
    } catch (...) {
      call.error = std::current_exception();
    }
  }
  /// A batch that fails is computed call by call: each has the error that is its own.
  template <class Work>
  static void compute(const std::vector<Call *> &batch, Work &work) {
    if (batch.size() > 1) try {
        std::vector<In> in;
        for (const Call *call : batch) in.insert(in.end(), call->in.begin(), call->in.end());
        std::vector<Out> out = work(std::span<const In>(in));
        auto next = out.begin();
        for (Call *call : batch)
          for (size_t i = 0; i < call->in.size(); ++i) call->out.push_back(std::move(*next++));
        return;
      } catch (...) {
      }
    for (Call *call : batch) alone(*call, work);
  }
  std::vector<Call *> next_batch() {
    std::vector<Call *> batch;
    size_t size = 0;
    while (!waiting_.empty() && (batch.empty() || size + waiting_.front()->in.size() <= most_)) {
      size += waiting_.front()->in.size();
      batch.push_back(waiting_.front());
      waiting_.pop_front();
    }
    return batch;
  }

 public:
  explicit Together(size_t most) : most_(most) {}  // items of a batch; a call that has more is one by itself
  size_t waiting() const {  // calls whose batch has not begun
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  /// work(span of In) -> vector of Out, one for each; does the same for every call. What it throws is passed on.
  template <class Work>
  std::vector<Out> run(std::span<const In> in, Work &&work) {
    Call call{in, {}, nullptr};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&call);
    for (;;) {
      changed_.wait(lock, [&] { return call.done || !busy_; });
      if (call.done) break;
      busy_ = true;
      const std::vector<Call *> batch = next_batch();
      lock.unlock();
      compute(batch, work);
      lock.lock();
      busy_ = false;
      for (Call *one : batch) one->done = true;
      changed_.notify_all();
    }
    if (call.error) std::rethrow_exception(call.error);
    return std::move(call.out);
  }
};

}  // namespace vtok
