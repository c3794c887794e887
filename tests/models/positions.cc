// Places of tokens: text counts on, visual tokens stand where their records say, whatever is missing around them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/positions.h"

#include <catch2/catch.hpp>
#include <random>
#include <utility>

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

TEST_CASE("steps of which no token is left count, and the grid is the source's") {
  const auto second = [](int s) { return s * kSecond; };
  const auto times = [](const std::vector<Position> &found) {
    std::vector<int> out;
    for (const Position &position : found) out.push_back(position.time);
    return out;
  };
  const auto video = group(second(4));
  video->to = second(12);
  video->side = 9;
  add(*video, second(4), {at(0, 0), at(0, 1, second(2)), at(1, 1, second(2)), at(2, 2, second(6))});
  video->frames = {16};  // a frame twice a second, two of them a step
  CHECK(times(positions_of({visual(video), text(1)}, {.places = true, .frames = 2})) == std::vector<int>{0, 2, 2, 6, 9});
  video->frames = {5};  // an odd one at the end: three steps, each of them with tokens
  CHECK(times(positions_of({visual(video), text(1)}, {.places = true, .frames = 2})) == std::vector<int>{0, 1, 1, 2, 9});
  video->frames = {0};  // not known
  CHECK(times(positions_of({visual(video), text(1)}, {.places = true, .frames = 2})) == std::vector<int>{0, 1, 1, 2, 9});
  video->frames = {8};  // four steps of two seconds
  const auto later = group(second(12));
  later->to = second(20);
  later->side = 9;
  add(*later, second(12), {at(0, 0)});
  add(*later, second(18), {at(0, 0)});  // two steps before it sent nothing
  later->frames = {2, 6};
  CHECK(times(positions_of({visual(video), visual(later), text(1)}, {.places = true, .frames = 2})) ==
        std::vector<int>{0, 1, 1, 3, 4, 7, 9});
  // A part of a group begins where it begins, in the group's own steps.
  CHECK(times(positions_of({{Segment::kVisual, {}, video, 1, 3}, visual(later)}, {.places = true, .frames = 2})) ==
        std::vector<int>{0, 0, 2, 3, 6});
  CHECK(times(positions_of({visual(video), text(1)}, {.places = true, .per_second = 0.5, .frames = 2})) ==
        std::vector<int>{0, 1, 1, 3, 9});
}

TEST_CASE("uneven steps stay in order, each at a number of its own") {
  const auto video = group(0);
  video->to = 100;
  video->frames = {5};
  add(*video, 0, {at(0, 0, 95), at(0, 1, 97), at(0, 2, 99), at(0, 3, 99)});
  std::vector<int> steps;
  for (const Position &position : positions_of({visual(video)}, {.places = true})) steps.push_back(position.time);
  CHECK(steps == std::vector<int>{2, 3, 4, 4});
}

TEST_CASE("whatever is left of a video stands where it stood, and so does the text after it") {
  constexpr int kSteps = 6, kRows = 3, kColumns = 4;
  const int64_t step = 2 * kSecond / 5;
  for (const double per_second : {0., 5.})
    for (unsigned seed = 1; seed <= 200; ++seed) {
      CAPTURE(per_second, seed);
      std::mt19937 random(seed);
      const auto full = group(7 * kSecond), thinned = group(7 * kSecond);
      std::vector<Record> all, kept;
      std::vector<size_t> places;
      for (int t = 0; t < kSteps; ++t) {
        const bool gone = random() % 2;  // a whole step
        for (int i = 0; i < kRows * kColumns; ++i) {
          all.push_back(at(i / kColumns, i % kColumns, t * step));
          if (gone || random() % 4) continue;
          kept.push_back(all.back());
          places.push_back(all.size());  // behind a row of text
        }
      }
      if (kept.empty()) continue;
      for (const auto &[to, records] : {std::pair{full, all}, {thinned, kept}}) {
        to->to = to->from + kSteps * step;
        to->frames = {2 * kSteps};
        to->side = kColumns;
        add(*to, to->from, records);
      }
      const PositionRule rule{.places = true, .per_second = per_second, .frames = 2};
      const auto before = positions_of({text(1), visual(full), text(2)}, rule),
                 after = positions_of({text(1), visual(thinned), text(2)}, rule);
      for (size_t i = 0; i < places.size(); ++i) REQUIRE(after[i + 1] == before[places[i]]);
      REQUIRE(after.back() == before.back());
    }
}
