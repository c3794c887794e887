// Calls that wait for a model are computed together.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/together.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

using Ints = std::vector<int>;
using Batch = std::span<const int>;

namespace {

/// Doubles numbers, notes the batches, and is held in the first of them until release(). A batch with a 13 fails.
struct Doubling {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Ints> batches;
  bool held = true;

  Ints operator()(Batch in) {
    std::unique_lock lock(mutex);
    batches.emplace_back(in.begin(), in.end());
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return !held; });
    Ints out;
    for (const int x : in) {
      if (x == 13) throw std::runtime_error("13 in " + std::to_string(in.size()));
      out.push_back(2 * x);
    }
    return out;
  }
  bool entered(size_t times) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return batches.size() >= times; });
  }
  void release() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
};

struct Callers {
  vtok::Together<int, int> together;
  Doubling work;
  std::vector<Ints> given;
  std::vector<std::future<Ints>> answers;
  explicit Callers(size_t most) : together(most) {}
  void call(Ints in) {
    answers.push_back(std::async(std::launch::async, [this, in] { return together.run(Batch(in), work); }));
    given.push_back(std::move(in));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto there = [&] { return given.size() == 1 ? work.entered(1) : together.waiting() >= given.size() - 1; };
    while (!there() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  /// The answer of a call, or what it threw.
  std::string answer(size_t i) {
    try {
      const Ints out = answers.at(i).get();
      Ints expected = given[i];
      for (int &x : expected) x *= 2;
      return out == expected ? "right" : "wrong";
    } catch (const std::exception &error) {
      return error.what();
    }
  }
};

}  // namespace

TEST_CASE("what comes while a batch is computed joins the next one, as far as it has room; each gets its own") {
  Callers callers(4);
  callers.call({1, 2});
  for (const Ints &in : {Ints{3}, Ints{4, 5}, Ints{6}, Ints{7, 8}, Ints{1, 2, 3, 4, 5}, Ints{9}}) callers.call(in);
  callers.work.release();
  for (size_t i = 0; i < callers.given.size(); ++i) CHECK(callers.answer(i) == "right");
  CHECK(callers.work.batches == std::vector<Ints>{{1, 2}, {3, 4, 5, 6}, {7, 8}, {1, 2, 3, 4, 5}, {9}});
}

TEST_CASE("a batch that fails is computed call by call: one's failure is no other's") {
  Callers callers(8);
  callers.call({1});
  callers.call({2, 3});
  callers.call({4, 13});
  callers.call({5});
  callers.work.release();
  CHECK(callers.answer(0) == "right");
  CHECK(callers.answer(1) == "right");
  CHECK(callers.answer(2) == "13 in 2");
  CHECK(callers.answer(3) == "right");
}

TEST_CASE("many threads at once: every call has its answer") {
  vtok::Together<int, int> together(8);
  std::atomic<int> wrong{0}, inside{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const Ints in(size_t(1 + (t + i) % 3), 1000 * t + i);
        const Ints out = together.run(Batch(in), [&](Batch batch) {
          wrong += ++inside != 1;
          Ints same(batch.begin(), batch.end());
          --inside;
          return same;
        });
        wrong += out != in;
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == 0);
}
