// The distance between what was sent ahead of a group and what the group became.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/drift.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/models/frames.h"

using namespace vtok;

TEST_CASE("each exact token counts by the most similar one that was sent") {
  Drift drift;
  CHECK(drift.mean() == 0);
  // Sent: right and up. The group: right (longer), diagonal, left.
  const Tokens sent[] = {test::frame({1, 0}, 2), test::frame({0, 1}, 2)};
  drift.add(test::frame({5, 0, 2, 2, -1, 0}, 2), sent);
  const double diagonal = 1 - std::sqrt(.5);
  CHECK(drift.exact == 3);
  CHECK(drift.ahead == 2);
  CHECK(drift.most == Approx(1));  // left is at right angles to up, opposite to right
  CHECK(drift.mean() == Approx((0 + diagonal + 1) / 3).margin(1e-7));

  drift.add(test::frame({0, 7}, 2), std::span(sent + 1, 1));
  CHECK(drift.exact == 4);
  CHECK(drift.ahead == 3);
  CHECK(drift.mean() == Approx((diagonal + 1) / 4).margin(1e-7));
}

TEST_CASE("where nothing was sent the distance is 1, where nothing came there is none") {
  Drift drift;
  drift.add(test::frame({1, 0, 0, 1}, 2), {});
  CHECK(drift.mean() == 1);
  CHECK(drift.most == 1);
  drift.add(test::frame(std::vector<float>{}, 2), {});
  CHECK(drift.exact == 2);
}

TEST_CASE("tokens of several levels are compared by the first, in any number type") {
  Drift drift;
  Tokens group = test::frame({1, 0, -9, 4}, 4), sent = test::frame({1, 0, 9, -4}, 4);
  group.levels = sent.levels = 2;
  sent = from_float32(sent, Type::kInt8);
  drift.add(group, std::span(&sent, 1));
  CHECK(drift.mean() == Approx(0).margin(1e-6));
}
