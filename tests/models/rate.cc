// Rate control: tokens a second, held over groups of any length.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/rate.h"

#include <catch2/catch.hpp>
#include <algorithm>
#include <random>
#include <vector>

using vtok::Rate;

constexpr int64_t kSecond = 1000000000;

TEST_CASE("without a target anything goes, and what was spent is told") {
  Rate rate;
  CHECK(rate.budget(kSecond) == 0);
  CHECK(rate.held() == 0);
  rate.spend(2 * kSecond, 7);
  CHECK(rate.held() == 3.5);
}

TEST_CASE("any minute has what is wanted, whatever the groups' lengths and what they have to give") {
  std::mt19937 random(3);
  for (const double wanted : {0.7, 4., 250.}) {
    Rate rate;
    rate.set(wanted);
    std::vector<std::pair<double, int>> spent;  // when a group ended, tokens
    double now = 0;
    while (now < 600) {
      const double seconds = std::uniform_real_distribution(.1, 9.)(random);
      const auto ns = int64_t(seconds * 1e9);
      const int budget = rate.budget(ns);
      REQUIRE(budget >= 1);
      // Every fourth group has only half of that.
      const int tokens = random() % 4 == 0 ? std::max(1, budget / 2) : budget;
      rate.spend(ns, tokens);
      now += seconds;
      spent.emplace_back(now, tokens);
      if (now < 60) continue;
      double from = now;
      int sum = 0;
      for (auto it = spent.rbegin(); it != spent.rend() && now - it->first < 60; ++it) {
        sum += it->second;
        const auto before = std::next(it);
        from = before == spent.rend() ? 0 : before->first;
      }
      CHECK(rate.held() == Approx(sum / (now - from)).epsilon(1e-6));
    }
    int64_t all = 0;
    for (const auto &[when, tokens] : spent) all += tokens;
    CHECK(double(all) == Approx(wanted * now).margin(wanted * 10 + 1));
    CHECK(rate.held() == Approx(wanted).epsilon(.1));
  }
}

TEST_CASE("a quiet hour does not save up for a burst, nor a burst starve an hour; another target starts anew") {
  Rate rate;
  rate.set(10);
  for (int i = 0; i < 3600; ++i) rate.spend(kSecond, 1);
  CHECK(rate.budget(kSecond) == 110);
  for (int i = 0; i < 100; ++i) rate.spend(kSecond, 1000);
  CHECK(rate.budget(kSecond) == 1);
  CHECK(rate.budget(20 * kSecond) == 100);
  rate.set(20);
  CHECK(rate.budget(kSecond) == 20);
  CHECK(rate.budget(0) == 1);
}
