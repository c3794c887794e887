// Turns: one at a time and in order, errors passed on, a long turn lets others in.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/turns.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace vtok;

TEST_CASE("turns are taken one at a time, all of them on one thread") {
  std::atomic<int> under_way{0}, most{0}, taken{0};
  std::thread::id first{};
  std::atomic<bool> one_thread{true};
  in_turn([&] { first = std::this_thread::get_id(); });
  CHECK(first != std::this_thread::get_id());
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; t++)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; i++)
        in_turn([&] {
          if (++under_way > most) most = under_way.load();
          if (std::this_thread::get_id() != first) one_thread = false;
          in_turn([&] { ++taken; });  // inside: at once
          --under_way;
        });
    });
  for (std::thread &caller : callers) caller.join();
  CHECK(most == 1);
  CHECK(taken == 800);
  CHECK(one_thread);
}

TEST_CASE("the error of a turn is its caller's") {
  CHECK_THROWS_AS(in_turn([] { throw std::runtime_error("mine"); }), std::runtime_error);
  bool next = false;
  in_turn([&] { next = true; });
  CHECK(next);
}

TEST_CASE("a long turn lets in those who wait where it yields, once each") {
  std::string order;
  std::atomic<bool> begun{false}, asked{false};
  std::thread other;
  in_turn([&] {
    order += 'a';
    other = std::thread([&] {
      begun = true;
      in_turn([&] { order += 'b'; });
      in_turn([&] { order += 'd'; });
      asked = true;
    });
    while (order == "a") yield_turn();  // until the other has come
    order += 'c';
  });
  other.join();
  CHECK(begun);
  CHECK(asked);
  CHECK(order == "abcd");
  yield_turn();  // outside: nothing
}
