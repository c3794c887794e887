// A bounded queue between a streaming thread and a worker: a full one may drop frames, events never.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace vtok {

/// What put_frame() does when as many frames wait as may.
enum class Full { kWait, kDropOldest, kDropNewest };

/// Items in the order they came. Frames count against the limit; events (whatever else must stay in order) do
/// not. One side puts, one takes, anybody may flush, hold or interrupt; every wait ends then.
template <class Item>
class Queue {
  struct Slot {
    Item item;
    bool frame;
  };
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Slot> slots_;
  std::deque<Item> urgent_;
  size_t frames_ = 0;
  bool flushing_ = true, held_ = false, interrupted_ = false, busy_ = false, closed_ = false;

  bool ready() const { return !slots_.empty() && !(held_ && slots_.front().frame); }
  Item pop() {
    Slot slot = std::move(slots_.front());
    slots_.pop_front();
    frames_ -= slot.frame;
    changed_.notify_all();
    return std::move(slot.item);
  }

 public:
  enum class Put { kTaken, kDropped, kFlushing, kInterrupted };

  /// kTaken and kDropped: `item` is moved away; with kDropped a frame was lost, this one or the oldest, and
  /// is in `lost`. kFlushing, kInterrupted: `item` is as it was.
  Put put_frame(Item &item, size_t limit, Full full, std::optional<Item> &lost) {
    std::unique_lock lock(mutex_);
    if (full == Full::kWait)
      changed_.wait(lock, [&] { return flushing_ || interrupted_ || frames_ < limit; });
    if (flushing_) return Put::kFlushing;
    Put result = Put::kTaken;
    if (frames_ >= limit) {
      if (full == Full::kWait) return Put::kInterrupted;
      result = Put::kDropped;
      if (full == Full::kDropNewest) {
        lost = std::move(item);
        return result;
      }
      auto oldest = slots_.begin();
      while (!oldest->frame) ++oldest;
      lost = std::move(oldest->item);
      slots_.erase(oldest);
      --frames_;
    }
    slots_.push_back({std::move(item), true});
    ++frames_;
    changed_.notify_all();
    return result;
  }
  /// Never waits; false where the queue is flushing (`item` is then as it was).
  bool put_event(Item &item) {
    std::lock_guard lock(mutex_);
    if (flushing_) return false;
    slots_.push_back({std::move(item), false});
    changed_.notify_all();
    return true;
  }
  /// As put_event(), but before everything else that waits, held or not.
  bool put_urgent(Item &item) {
    std::lock_guard lock(mutex_);
    if (flushing_) return false;
    urgent_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }
  /// Waits for an item and takes it; nothing: the queue is flushing. The worker is busy until it comes back.
  std::optional<Item> take(bool urgent_only = false) {
    std::unique_lock lock(mutex_);
    busy_ = false;
    changed_.notify_all();
    changed_.wait(lock, [&] { return flushing_ || !urgent_.empty() || (!urgent_only && ready()); });
    if (flushing_) return {};
    busy_ = true;
    if (urgent_.empty()) return pop();
    Item item = std::move(urgent_.front());
    urgent_.pop_front();
    return item;
  }
  /// Takes the next item without waiting if it is a frame.
  std::optional<Item> take_frame() {
    std::lock_guard lock(mutex_);
    if (flushing_ || !ready() || !slots_.front().frame) return {};
    return pop();
  }
  bool empty() const {
    std::lock_guard lock(mutex_);
    return slots_.empty();
  }
  /// Waits until the worker has finished what it took.
  void wait_idle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !busy_; });
  }
  /// Waits until everything put in before has been taken and finished; false: a flush came first.
  bool wait_done() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return flushing_ || (slots_.empty() && !busy_); });
    return !flushing_;
  }
  size_t frames() const {
    std::lock_guard lock(mutex_);
    return frames_;
  }
  /// For a worker that lives through flushes: waits until this one is over; false: close() was called.
  bool wait_flushed() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !flushing_ || closed_; });
    return !closed_;
  }
  /// The worker shall end: flushing for good, until reopen().
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    flush(true);
  }
  void reopen() {
    std::lock_guard lock(mutex_);
    closed_ = flushing_ = interrupted_ = false;
  }
  /// Frames are kept back (events too, behind a frame) until hold(false): the model is still loading.
  void hold(bool held) {
    std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  /// true: everything is taken out (and returned: some events must survive) and refused from now on, all
  /// waits end. false: works again.
  std::vector<Item> flush(bool flushing) {
    std::vector<Item> old;
    std::deque<Item> urgent;  // let go of outside the lock
    std::lock_guard lock(mutex_);
    urgent.swap(urgent_);
    flushing_ = flushing || closed_;
    for (Slot &slot : slots_) old.push_back(std::move(slot.item));
    slots_.clear();
    frames_ = 0;
    changed_.notify_all();
    return old;
  }
  /// true: a put_frame() that waits gives up, and none waits until interrupt(false).
  void interrupt(bool interrupted) {
    std::lock_guard lock(mutex_);
    interrupted_ = interrupted;
    changed_.notify_all();
  }
};

}  // namespace vtok
