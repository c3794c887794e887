// Groups out of token buffers: where they start, what they span, what replaces what.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gather.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <vector>

#include "models/error.h"

using Catch::Contains;

namespace {

vtok::Tokens tokens(int n, float value = 1) {
  void *data;
  vtok::Tokens t = vtok::allocate_tokens(vtok::Type::kFloat32, n, 4, data);
  for (int i = 0; i < 4 * n; ++i) static_cast<float *>(data)[i] = value;
  t.records.resize(size_t(n));
  return t;
}

vtok::Part part(int64_t from, int64_t to, bool starts, int n = 1) {
  vtok::Part p;
  p.tokens = tokens(n);
  p.from = from;
  p.to = to;
  p.starts = starts;
  return p;
}

}  // namespace

TEST_CASE("a group ends where the next begins, the last where its last buffer ends") {
  vtok::Gather gather;
  CHECK_FALSE(gather.open());
  CHECK_FALSE(gather.close());
  CHECK_FALSE(gather.add(part(0, 10, true)));
  CHECK_FALSE(gather.add(part(10, 20, false)));
  const auto first = gather.add(part(50, 60, true));  // the frames between were lost or showed nothing new
  REQUIRE(first);
  CHECK(first->id == 1);
  CHECK(first->closed);
  CHECK(first->from == 0);
  CHECK(first->to == 50);
  CHECK(first->parts.size() == 2);
  const auto open = gather.open();
  REQUIRE(open);
  CHECK_FALSE(open->closed);
  CHECK(open->to == 60);
  gather.add(part(60, 70, false, 3));
  CHECK(open->tokens() == 1);  // what was asked about does not grow
  const auto second = gather.close();
  CHECK(second->id == 2);
  CHECK(second->to == 70);
  CHECK(second->tokens() == 4);
  CHECK_FALSE(gather.open());
}

TEST_CASE("what nobody saw is in no group's span") {
  vtok::Gather gather;
  gather.add(part(0, 10, true));
  vtok::Part later = part(50, 60, true);
  later.after_loss = true;
  const auto first = gather.add(std::move(later));
  REQUIRE(first);
  CHECK(first->to == 10);
  vtok::Part early = part(55, 70, true);  // begins within the span before
  early.after_loss = true;
  CHECK(gather.add(std::move(early))->to == 55);
}

TEST_CASE("the first buffer starts a group even where it does not say so") {
  vtok::Gather gather;
  gather.add(part(5, 6, false));
  CHECK(gather.open()->from == 5);
}

TEST_CASE("a next group that begins within the span cuts it, one from the past does not") {
  vtok::Gather gather;
  gather.add(part(100, 150, true));
  CHECK(gather.add(part(120, 130, true))->to == 120);
  CHECK(gather.add(part(0, 10, true))->to == 130);
}

TEST_CASE("a GAP only lengthens the open group") {
  vtok::Gather gather;
  gather.gap(7);
  CHECK_FALSE(gather.open());
  gather.add(part(0, 10, true));
  gather.gap(35);
  gather.gap(20);
  CHECK(gather.close()->to == 35);
}

TEST_CASE("a buffer that replaces stands for all its group had sent, and for no other group") {
  vtok::Gather gather;
  auto numbered = [](vtok::Part p, uint64_t group, bool replaces) {
    p.group = group;
    p.replaces = replaces;
    return p;
  };
  gather.add(numbered(part(0, 10, true, 9), 4, false));
  gather.add(numbered(part(10, 20, false, 2), 4, false));
  CHECK_FALSE(gather.add(numbered(part(0, 30, true, 5), 4, true)));
  CHECK(gather.open()->tokens() == 5);
  CHECK(gather.open()->from == 0);
  CHECK(gather.open()->to == 30);
  // Group 5's start was lost; what replaces it is the whole group.
  const auto fourth = gather.add(numbered(part(30, 40, false, 7), 5, true));
  REQUIRE(fourth);
  CHECK(fourth->tokens() == 5);
  CHECK(gather.open()->tokens() == 7);
}

TEST_CASE("a bounded group lets its oldest parts go, and claims no time that they had") {
  vtok::Gather gather;
  gather.bound(5);
  gather.add(part(0, 10, true, 4));
  gather.add(part(10, 20, false, 3));
  CHECK(gather.open()->tokens() == 3);
  CHECK(gather.open()->from == 10);
  gather.add(part(20, 30, false, 2));
  CHECK(gather.open()->tokens() == 5);
  CHECK(gather.open()->from == 10);
  auto whole = part(0, 40, true, 4);  // what replaces the parts stands for those let go too
  whole.replaces = true;
  gather.add(whole);
  CHECK(gather.open()->tokens() == 4);
  CHECK(gather.open()->from == 0);
  gather.add(part(40, 50, false, 9));  // a part is never cut
  CHECK(gather.open()->tokens() == 9);
  CHECK(gather.open()->from == 40);
  CHECK(gather.open()->to == 50);
}

TEST_CASE("another group number starts a group even where the start itself was lost") {
  vtok::Gather gather;
  gather.add(part(0, 10, true));
  auto second = part(10, 20, false);
  second.group = 1;
  const auto first = gather.add(second);
  REQUIRE(first);
  CHECK(first->to == 10);
}

TEST_CASE("NaN and infinity are refused in every number type, and nothing is remembered of them") {
  vtok::Gather gather;
  gather.add(part(0, 10, true));
  auto bad = part(10, 20, true);
  bad.tokens = tokens(3, std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_AS(gather.add(bad), vtok::BadTokens);
  CHECK(gather.open()->from == 0);
  CHECK(gather.open()->tokens() == 1);

  auto check = [](vtok::Type type, auto good, auto wrong) {
    void *data;
    vtok::Tokens t = vtok::allocate_tokens(type, 5, 3, data);
    auto *numbers = static_cast<decltype(good) *>(data);
    std::fill(numbers, numbers + 15, good);
    CHECK_NOTHROW(vtok::check_finite(t));
    numbers[7] = wrong;
    CHECK_THROWS_WITH(vtok::check_finite(t), Contains("token 2 of 5") && Contains("at 1"));
  };
  check(vtok::Type::kFloat32, std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity());
  check(vtok::Type::kFloat32, 0.f, -std::numeric_limits<float>::infinity());
  check(vtok::Type::kFloat16, uint16_t(0xfbff), uint16_t(0x7c00));
  check(vtok::Type::kBfloat16, uint16_t(0xff7f), uint16_t(0xffc0));
  check(vtok::Type::kFloat8, uint8_t(0xfe), uint8_t(0xff));
  void *data;
  vtok::Tokens bytes = vtok::allocate_tokens(vtok::Type::kInt8, 2, 2, data);
  memset(data, 0x7f, 4);
  CHECK_NOTHROW(vtok::check_finite(bytes));
  CHECK_NOTHROW(vtok::check_finite(tokens(0)));
}

TEST_CASE("a group knows its source frames and its grid") {
  vtok::Gather gather;
  const auto with = [](vtok::Part made, int frames, int side) {
    made.frames = frames;
    made.side = side;
    return made;
  };
  gather.add(with(part(0, 10, true), 2, 3));
  gather.add(with(part(10, 20, false), 4, 5));
  CHECK(gather.open()->frames == std::vector<int>{2, 4});
  CHECK(gather.open()->side == 5);
  vtok::Part whole = with(part(0, 20, false), 6, 4);
  whole.replaces = true;
  gather.add(whole);
  CHECK(gather.open()->frames == std::vector<int>{6});
  CHECK(gather.open()->side == 4);
  gather.bound(1);
  gather.add(with(part(20, 30, false), 1, 4));
  CHECK(gather.open()->frames == std::vector<int>{1});
}
