// Memory policies: what any must satisfy, and what the window keeps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/memory.h"

#include <catch2/catch.hpp>
#include <algorithm>
#include <random>
#include <set>

using namespace vtok;

static GroupPtr group(uint64_t id, int n) {
  auto made = std::make_shared<Group>();
  made->id = id;
  made->from = int64_t(id) * 10;
  made->to = made->from + 10;
  made->closed = true;
  void *numbers;
  made->parts.push_back(allocate_tokens(Type::kFloat32, n, 8, numbers));
  std::mt19937 random(uint32_t(id) + 1);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 8 * n; ++i) static_cast<float *>(numbers)[i] = normal(random);
  made->parts[0].records.resize(size_t(n));
  made->starts.push_back(made->from);
  made->frames = {2};
  made->side = 3;
  return made;
}

static MemorySettings room(int64_t tokens) { return {.room = {tokens, 0}, .rows = nullptr, .gist = nullptr}; }

static std::unique_ptr<Memory> make(const std::string &name, const MemorySettings &settings) {
  for (const MemoryPolicy &policy : memory_policies())
    if (policy.name == name) return policy.make(settings);
  FAIL("no policy " + name);
  return nullptr;
}

static int64_t tokens_of(const std::vector<GroupPtr> &groups) {
  int64_t sum = 0;
  for (const auto &one : groups) sum += one->tokens();
  return sum;
}

static std::vector<uint64_t> ids(const std::vector<GroupPtr> &groups) {
  std::vector<uint64_t> all;
  for (const auto &one : groups) all.push_back(one->id);
  return all;
}

TEST_CASE("every policy stays in its bounds, and shows what it has read ahead first") {
  std::set<std::string> names;
  for (const MemoryPolicy &policy : memory_policies())
    for (const bool steady : {false, true}) {
      INFO(policy.name << (steady ? ", steady" : ""));
      names.insert(policy.name);
      MemorySettings settings = room(100);
      settings.room.rows = 150;
      settings.rows = [](const Group &one) { return one.tokens() + 3; };
      const auto memory = policy.make(settings);
      memory->steady(steady);
      for (uint64_t i = 0; i < 80; ++i) {
        memory->add(group(i, 1 + int(i * 7 % 23)));
        const auto open = group(80, 5);
        for (const Room &within : {Room{}, Room{1, 0}, Room{10, 0}, Room{50, 90}, Room{1000, 120}, Room{0, 60}}) {
          const auto seen = memory->recall("?", open, within);
          CHECK(tokens_of(seen) <= (within.tokens ? std::min<int64_t>(within.tokens, 105) : 105));
          if (within.rows) CHECK(tokens_of(seen) + 3 * int64_t(seen.size()) <= std::max<int64_t>(8, within.rows));
          std::set<uint64_t> once;
          for (const auto &one : seen) CHECK(once.insert(one->id).second);
          if (!seen.empty()) CHECK(seen.back()->id == 80);
        }
        const auto begins = memory->begins();
        const auto now = memory->recall("?", nullptr, {});
        REQUIRE((!steady || !begins.empty()));
        if (!begins.empty()) {
          REQUIRE(begins[0].size() <= now.size());
          CHECK(std::equal(begins[0].begin(), begins[0].end(), now.begin()));
        }
      }
      memory->clear();
      CHECK(memory->recall("?", nullptr, {}).empty());
    }
  CHECK(names.size() == memory_policies().size());
}

TEST_CASE("a steady memory's next beginning is the one that was announced, and most of the room is in use") {
  for (const MemoryPolicy &policy : memory_policies()) {
    INFO(policy.name);
    const auto memory = policy.make(room(400));
    memory->steady(true);
    std::vector<GroupPtr> announced;
    int changes = 0;
    GroupPtr first;
    for (uint64_t i = 1; i <= 400; ++i) {
      memory->add(group(i, 10));
      const auto begins = memory->begins();
      REQUIRE(!begins[0].empty());
      if (first && begins[0][0] != first) {
        ++changes;
        REQUIRE(announced.size() < begins[0].size());
        CHECK(std::equal(announced.begin(), announced.end(), begins[0].begin()));
        CHECK(begins[0].back()->id == i);
      }
      first = begins[0][0];
      announced = begins.size() > 1 ? begins[1] : std::vector<GroupPtr>();
      if (i > 40) CHECK(tokens_of(memory->recall("", nullptr, {})) >= 170);
    }
    CHECK(changes > 10);
    CHECK(changes < 60);  // rarely: not with every group
  }
}

TEST_CASE("merge remembers from the beginning on, the past coarser than the present") {
  const auto memory = make("merge", room(200));
  memory->steady(true);
  for (uint64_t i = 0; i < 1000; ++i) memory->add(group(i, 10));
  const auto seen = memory->recall("?", nullptr, {});
  REQUIRE(seen.size() > 5);
  CHECK(tokens_of(seen) <= 200);
  CHECK(seen.front()->from == 0);
  CHECK(seen.back()->to == 10000);
  for (size_t i = 1; i < seen.size(); ++i) CHECK(seen[i]->from == seen[i - 1]->to);  // no gap, no overlap
  const auto span = [](const GroupPtr &one) { return one->to - one->from; };
  CHECK(span(seen.front()) > 50 * span(seen.back()));
  int64_t weight = 0;
  for (const auto &one : seen)
    for (const Tokens &part : one->parts)
      for (const Record &record : part.records) weight += record.weight;
  CHECK(weight == 10000);  // every token is in one of them
  CHECK(memory->forgotten() == 0);
  int frames = 0;
  std::set<int64_t> times;
  for (const auto &one : seen) {
    CHECK(one->side == 3);
    REQUIRE(one->frames.size() == one->parts.size());
    REQUIRE(one->starts.size() == one->parts.size());
    for (size_t p = 0; p < one->parts.size(); ++p) {
      frames += one->frames[p];
      for (const Record &record : one->parts[p].records) {
        const int64_t time = one->starts[p] + record.time;  // of the token's own group, whatever it was joined with
        CHECK((time >= one->from && time < one->to && time % 10 == 0));
        times.insert(time);
      }
    }
  }
  CHECK(frames == 2000);
  CHECK(times.size() > seen.size());
}

TEST_CASE("retrieve brings back what is like the question, in the order of time, and only that") {
  MemorySettings settings = room(80);
  settings.gist = [](const std::string &question) {
    std::vector<float> gist(8);
    gist[question == "red?" ? 2 : 5] = 1;
    return gist;
  };
  const auto memory = make("retrieve", settings);
  memory->steady(true);
  for (uint64_t i = 0; i < 100; ++i) {
    auto one = std::make_shared<Group>(*group(i, 5));
    if (i == 7 || i == 23 || i == 41) {
      auto *numbers = static_cast<float *>(const_cast<void *>(one->parts[0].data.get()));
      for (int t = 0; t < 5; ++t) numbers[8 * t + (i == 23 ? 5 : 2)] += 30;
    }
    memory->add(one);
  }
  const auto old = [&](const char *question) {
    std::vector<uint64_t> out;
    for (const uint64_t id : ids(memory->recall(question, nullptr, {})))
      if (id < 80) out.push_back(id);
    return out;
  };
  const auto red = old("red?"), blue = old("blue?");
  CHECK(std::is_sorted(red.begin(), red.end()));
  CHECK(std::set<uint64_t>(red.begin(), red.end()).count(7) == 1);
  CHECK(std::set<uint64_t>(red.begin(), red.end()).count(41) == 1);
  CHECK(std::set<uint64_t>(blue.begin(), blue.end()).count(23) == 1);
  const auto open = group(100, 4);
  const auto seen = ids(memory->recall("red?", open, {}));
  CHECK(seen.back() == 100);
  CHECK(seen.front() > 80);  // the newest come first: they are read already
  const auto back = memory->recall("red?", nullptr, {});
  const auto was = std::find_if(back.begin(), back.end(), [](const auto &one) { return one->id == 7; });
  REQUIRE(was != back.end());
  CHECK((*was)->tokens() == 5);
  CHECK(static_cast<const float *>((*was)->parts[0].row(0))[2] > 20);
}

TEST_CASE("all that is held can be had by its time: what was put by too, the oldest first") {
  for (const MemoryPolicy &policy : memory_policies()) {
    INFO(policy.name);
    const auto memory = policy.make(room(200));
    memory->steady(true);
    for (uint64_t id = 0; id < 300; ++id) memory->add(group(id, 10));
    const auto held = memory->held();
    CHECK(std::is_sorted(held.begin(), held.end(), [](const auto &a, const auto &b) { return a->from < b->from; }));
    CHECK(held.back()->id == 299);
    if (std::string(policy.name) == "retrieve") CHECK(held.size() == 300);
    if (std::string(policy.name) == "window") CHECK(tokens_of(held) <= 200);
    if (std::string(policy.name) == "merge") CHECK(held.front()->from == 0);
  }
}

TEST_CASE("of more groups than may be shown some are, at even distances") {
  std::vector<GroupPtr> groups;
  for (uint64_t id = 0; id < 100; ++id) groups.push_back(group(id, 10));
  CHECK(spread(groups, 1000, nullptr).size() == 100);
  CHECK(ids(spread(groups, 100, nullptr)) == std::vector<uint64_t>{9, 19, 29, 39, 49, 59, 69, 79, 89, 99});
  const auto with_times = [](const Group &group) { return group.tokens() + 10; };
  CHECK(ids(spread(groups, 100, with_times)) == std::vector<uint64_t>{19, 39, 59, 79, 99});
  for (const int64_t most : {1, 7, 33, 250, 999}) {
    const auto some = spread(groups, most, nullptr);
    CHECK(tokens_of(some) <= most);
    CHECK(tokens_of(some) > most - 10 - most / 10);
  }
  CHECK(spread({}, 10, nullptr).empty());
  CHECK(spread({group(1, 50)}, 0, nullptr).empty());
  CHECK(spread({group(1, 50)}, 10, nullptr).empty());  // one part
}

TEST_CASE("of a newest group that is too large its newest parts are seen, of no other") {
  const auto memory = make("window", room(20));
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
    const auto seen = memory->recall("?", closed ? nullptr : open, {5, 0});
    REQUIRE(seen.size() == 1);
    CHECK(seen[0]->tokens() == 3);
    CHECK(seen[0]->parts.size() == 2);
    CHECK(seen[0]->from == 20);
    CHECK(seen[0]->to == 40);
  }
  CHECK(open->tokens() == 10);
  CHECK(memory->recall("?", parts(3), {1, 0}).at(0)->from == 30);
  CHECK(memory->recall("?", parts(3), {12, 0}).size() == 1);
  CHECK(memory->recall("?", parts(3), {20, 0}).size() == 2);
}

TEST_CASE("the window keeps the newest groups") {
  const auto memory = make("window", room(20));
  for (uint64_t i = 1; i <= 4; ++i) memory->add(group(i, 6));
  CHECK(ids(memory->recall("?", nullptr, {0, 0})) == std::vector<uint64_t>{2, 3, 4});
  CHECK(memory->forgotten() == 1);
  CHECK(ids(memory->recall("?", group(5, 2), {0, 0})) == std::vector<uint64_t>{2, 3, 4, 5});
  CHECK(ids(memory->recall("?", group(5, 2), {14, 0})) == std::vector<uint64_t>{3, 4, 5});
  CHECK(ids(memory->recall("?", group(5, 2), {13, 0})) == std::vector<uint64_t>{4, 5});
  CHECK(memory->recall("?", group(5, 2), {1, 0}).empty());
  memory->add(group(6, 21));
  CHECK(memory->recall("?", nullptr, {0, 0}).empty());
  CHECK(memory->forgotten() == 5);
  const auto unbounded = make("window", room(0));
  for (uint64_t i = 0; i < 100; ++i) unbounded->add(group(i, 1000));
  CHECK(unbounded->recall("?", nullptr, {0, 0}).size() == 100);
  CHECK(unbounded->forgotten() == 0);
}
