// The queue between a streaming thread and a worker: order, drops, and that every wait ends.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using vtok::Full;
using Ints = vtok::Queue<int>;
using Put = Ints::Put;

namespace {

struct Running : Ints {
  Running() { flush(false); }
  Put frame(int item, size_t limit = 2, Full full = Full::kDropOldest) {
    lost.reset();
    return put_frame(item, limit, full, lost);
  }
  void event(int item) { REQUIRE(put_event(item)); }
  std::vector<int> rest() {
    std::vector<int> all;
    while (!empty()) all.push_back(*take());
    return all;
  }
  std::optional<int> lost;
};

// Runs `wait` in a thread, lets it begin to wait, calls `wake`, and returns what `wait` returned.
template <class W, class K>
auto woken(W &&wait, K &&wake) {
  std::atomic<bool> begun{false};
  decltype(wait()) result{};
  std::thread thread([&] {
    begun = true;
    result = wait();
  });
  while (!begun) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  wake();
  thread.join();
  return result;
}

}  // namespace

TEST_CASE("frames and events come out in the order they went in") {
  Running queue;
  queue.event(-1);
  queue.frame(1);
  queue.event(-2);
  queue.frame(2);
  queue.event(-3);
  CHECK(queue.frames() == 2);
  CHECK(queue.rest() == std::vector<int>{-1, 1, -2, 2, -3});
}

TEST_CASE("a full queue loses the oldest or the newest frame, never an event") {
  Running queue;
  queue.event(-1);
  CHECK(queue.frame(1) == Put::kTaken);
  queue.event(-2);
  CHECK(queue.frame(2) == Put::kTaken);
  CHECK(queue.frame(3) == Put::kDropped);
  CHECK(queue.lost == 1);
  CHECK(queue.frame(4, 2, Full::kDropNewest) == Put::kDropped);
  CHECK(queue.lost == 4);
  CHECK(queue.frames() == 2);
  CHECK(queue.rest() == std::vector<int>{-1, -2, 2, 3});
}

TEST_CASE("a full queue waits for room, and flush and interrupt end the wait") {
  Running queue;
  queue.frame(1, 1);
  std::optional<int> lost;
  int item = 2;
  auto put = [&] { return queue.put_frame(item, 1, Full::kWait, lost); };
  CHECK(woken(put, [&] { CHECK(queue.take() == 1); }) == Put::kTaken);
  CHECK(woken(put, [&] { queue.interrupt(true); }) == Put::kInterrupted);
  CHECK(put() == Put::kInterrupted);  // until interrupt(false)
  queue.interrupt(false);
  CHECK(woken(put, [&] { queue.flush(true); }) == Put::kFlushing);
  CHECK(queue.empty());
  CHECK_FALSE(queue.put_event(item));
  queue.flush(false);
  CHECK(put() == Put::kTaken);
}

TEST_CASE("a taker waits for an item, and flush and close end the wait") {
  Running queue;
  auto take = [&] { return queue.take(); };
  CHECK(woken(take, [&] { queue.event(7); }) == 7);
  CHECK(woken(take, [&] { queue.flush(true); }) == std::nullopt);
  auto flushed = [&] { return queue.wait_flushed(); };
  CHECK(woken(flushed, [&] { queue.flush(false); }));
  queue.flush(true);
  CHECK_FALSE(woken(flushed, [&] { queue.close(); }));
  queue.flush(false);  // refused from now on
  CHECK(queue.frame(1) == Put::kFlushing);
  queue.reopen();
  CHECK(queue.frame(1) == Put::kTaken);
}

TEST_CASE("held frames stay, with what is behind them, while events before them pass") {
  Running queue;
  queue.hold(true);
  queue.event(-1);
  queue.frame(1);
  queue.event(-2);
  CHECK(queue.take() == -1);
  CHECK_FALSE(queue.take_frame());
  auto take = [&] { return queue.take(); };
  CHECK(woken(take, [&] { queue.hold(false); }) == 1);
  CHECK_FALSE(queue.take_frame());  // an event is next
  CHECK(queue.take() == -2);
  queue.hold(true);
  queue.frame(2, 1);
  CHECK(queue.frame(3, 1) == Put::kDropped);  // the newest waits
  CHECK(queue.lost == 2);
}

TEST_CASE("who waits for the worker waits until it comes back for more") {
  Running queue;
  queue.event(1);
  std::atomic<bool> done{false};
  std::thread worker([&] {
    queue.take();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    done = true;
    queue.take();
  });
  while (!queue.empty()) std::this_thread::yield();
  queue.wait_idle();
  CHECK(done);
  queue.flush(true);
  worker.join();
}

TEST_CASE("who waits until all is done waits for what is queued and for the worker; a flush ends the wait") {
  Running queue;
  queue.frame(1);
  queue.event(2);
  std::atomic<int> done{0};
  std::thread worker([&] {
    while (queue.take()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++done;
    }
  });
  CHECK(queue.wait_done());
  CHECK(done == 2);
  queue.flush(true);
  worker.join();
  queue.flush(false);
  queue.frame(3);
  CHECK_FALSE(woken([&] { return queue.wait_done(); }, [&] { queue.flush(true); }));
}

TEST_CASE("many threads lose nothing when the queue waits") {
  Running queue;
  constexpr int kEach = 2000;
  std::thread producer([&] {
    std::optional<int> lost;
    for (int i = 0; i < kEach; ++i) {
      int item = i;
      queue.put_frame(item, 3, Full::kWait, lost);
    }
  });
  int next = 0;
  while (next < kEach) REQUIRE(*queue.take() == next++);
  producer.join();
  CHECK(queue.empty());
}
