// Memory policies: what any must satisfy, and what the window keeps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/memory.h"

#include <catch2/catch.hpp>
#include <set>

using namespace vtok;

static GroupPtr group(uint64_t id, int n) {
  auto made = std::make_shared<Group>();
  made->id = id;
  made->closed = true;
  made->parts.resize(1);
  made->parts[0].n = n;
  return made;
}

static std::vector<uint64_t> ids(const std::vector<GroupPtr> &groups) {
  std::vector<uint64_t> all;
  for (const auto &one : groups) all.push_back(one->id);
  return all;
}

TEST_CASE("every policy stays in its bounds and in order") {
  std::set<std::string> names;
  for (const MemoryPolicy &policy : memory_policies()) {
    INFO(policy.name);
    CHECK(names.insert(policy.name).second);
    const auto memory = policy.make(100);
    for (uint64_t i = 0; i < 40; ++i) memory->add(group(i, int(i * 7 % 23)));
    for (const int budget : {0, 1, 10, 50, 1000}) {
      const auto open = group(40, 5);
      const auto seen = memory->recall("?", open, budget);
      int sum = 0;
      for (const auto &one : seen) sum += one->tokens();
      CHECK(sum <= (budget ? budget : 105));
      const auto order = ids(seen);
      CHECK(std::is_sorted(order.begin(), order.end()));
    }
    CHECK(memory->forgotten() > 0);
    memory->clear();
    CHECK(memory->recall("?", nullptr, 0).empty());
  }
}

TEST_CASE("of a newest group that is too large its newest parts are seen, of no other") {
  const auto memory = memory_policies()[0].make(20);
  auto parts = [](uint64_t id) {
    auto made = std::make_shared<Group>();
    made->id = id;
    made->to = 40;
    for (const int n : {4, 3, 2, 1}) {
      made->parts.resize(made->parts.size() + 1);
      made->parts.back().n = n;
      made->starts.push_back(10 * int64_t(made->parts.size() - 1));
    }
    return made;
  };
  const auto open = parts(2);
  for (const bool closed : {false, true}) {
    if (closed) memory->add(open);
    const auto seen = memory->recall("?", closed ? nullptr : open, 5);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0]->tokens() == 3);
    CHECK(seen[0]->parts.size() == 2);
    CHECK(seen[0]->from == 20);
    CHECK(seen[0]->to == 40);
  }
  CHECK(open->tokens() == 10);
  CHECK(memory->recall("?", parts(3), 1).at(0)->from == 30);
  CHECK(memory->recall("?", parts(3), 12).size() == 1);
  CHECK(memory->recall("?", parts(3), 20).size() == 2);
}

TEST_CASE("the window keeps the newest groups") {
  const auto memory = memory_policies()[0].make(20);
  for (uint64_t i = 1; i <= 4; ++i) memory->add(group(i, 6));
  CHECK(ids(memory->recall("?", nullptr, 0)) == std::vector<uint64_t>{2, 3, 4});
  CHECK(memory->forgotten() == 1);
  CHECK(ids(memory->recall("?", group(5, 2), 0)) == std::vector<uint64_t>{2, 3, 4, 5});
  CHECK(ids(memory->recall("?", group(5, 2), 14)) == std::vector<uint64_t>{3, 4, 5});
  CHECK(ids(memory->recall("?", group(5, 2), 13)) == std::vector<uint64_t>{4, 5});
  CHECK(memory->recall("?", group(5, 2), 1).empty());
  memory->add(group(6, 21));
  CHECK(memory->recall("?", nullptr, 0).empty());
  CHECK(memory->forgotten() == 5);
  const auto unbounded = memory_policies()[0].make(0);
  for (uint64_t i = 0; i < 100; ++i) unbounded->add(group(i, 1000));
  CHECK(unbounded->recall("?", nullptr, 0).size() == 100);
  CHECK(unbounded->forgotten() == 0);
}
