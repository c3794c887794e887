// Places of tokens: text counts on, visual tokens stand where their records say, whatever is missing around them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/positions.h"

#include <catch2/catch.hpp>

#include "models/prompt.h"

using namespace vtok;

namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::shared_ptr<Group> group(int64_t from) {
  auto made = std::make_shared<Group>();
  made->from = from;
  return made;
}

void add(Group &to, int64_t start, std::vector<Record> records) {
  to.starts.push_back(start);
  to.parts.push_back({.n = int(records.size()), .records = std::move(records)});
}

Segment text(int rows) { return {Segment::kText, std::vector<int>(size_t(rows), 7), nullptr}; }
Segment visual(GroupPtr group) { return {Segment::kVisual, {}, std::move(group)}; }

Record at(int row, int column, int64_t time = 0) {
  return {.time = time, .row = uint16_t(row), .column = uint16_t(column)};
}

}  // namespace

TEST_CASE("rows are counted where a family knows no places") {
  CHECK(positions_of({text(3)}, {}).empty());
}

TEST_CASE("kept tokens stand at their own time, row and column") {
  const auto video = group(10 * kSecond);
  add(*video, 10 * kSecond, {at(0, 0), at(1, 3)});
  add(*video, 12 * kSecond, {at(1, 2), at(0, 1, kSecond / 2)});
  const auto found = positions_of({text(2), visual(video), text(1)}, {true, 2});
  CHECK(found == std::vector<Position>{{0, 0, 0}, {1, 1, 1},  // text
                                       {2, 2, 2}, {2, 3, 5}, {6, 3, 4}, {7, 2, 3},  // 2 a second from 10 s on
                                       {6, 6, 6}});                                 // 2 + 4 columns
  const auto steps = positions_of({text(2), visual(video), text(1)}, {true, 0});
  CHECK(steps[4] == Position{3, 3, 4});  // steps are counted: the second
  CHECK(steps[5] == Position{4, 2, 3});  // and the third
}

TEST_CASE("groups without text between them are one video, with text each is its own") {
  const auto first = group(0), second = group(4 * kSecond);
  add(*first, 0, {at(0, 0)});
  add(*second, 4 * kSecond, {at(0, 0)});
  const auto one = positions_of({visual(first), visual(second)}, {true, 1});
  CHECK(one == std::vector<Position>{{0, 0, 0}, {4, 0, 0}});
  const auto two = positions_of({visual(first), text(1), visual(second)}, {true, 1});
  CHECK(two == std::vector<Position>{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}});
}

TEST_CASE("a part of a group stands where it stood in the whole") {
  const auto video = group(0);
  add(*video, 0, {at(0, 0), at(0, 1), at(1, 0)});
  add(*video, kSecond, {at(1, 1)});
  Segment some = visual(video);
  some.first = 2, some.count = 2;
  CHECK(positions_of({some}, {true, 3}) == std::vector<Position>{{0, 1, 0}, {3, 1, 1}});
}

TEST_CASE("times that do not come out even are cut as their fractions are") {
  const auto video = group(0);
  for (int i = 0; i < 4; ++i) add(*video, int64_t(2e9 * i / 3), {at(0, 0)});  // 2/3 s apart, cut to nanoseconds
  std::vector<int> times;
  for (const Position &p : positions_of({visual(video)}, {true, 3})) times.push_back(p.time);
  CHECK(times == std::vector<int>{0, 2, 4, 6});
}

TEST_CASE("no position lies beyond the limit, and tokens without records lie at the start") {
  const auto video = group(0);
  video->parts.push_back({.n = 1});
  add(*video, 0, {});
  video->parts.push_back({.n = 1});
  video->starts = {0, 0, 3600 * kSecond};
  const auto found = positions_of({visual(video)}, {true, 25, 1000});
  CHECK(found == std::vector<Position>{{0, 0, 0}, {1000, 0, 0}});
}
