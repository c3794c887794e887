// Blocks that sequences share: random writing, forking and letting go against plain copies.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/kv_cache.h"

#include <catch2/catch.hpp>
#include <random>

using namespace vtok;

namespace {

constexpr int64_t kLayers = 2, kHeads = 3, kHead = 4;
constexpr uint32_t kSeed = 5;

/// A sequence and what it should hold: one number a row, written to every place of the row.
struct Twin {
  KvSequence sequence;
  std::vector<float> plain;

  void append(KvPool &pool, std::vector<float> numbers) {
    const int64_t first = sequence.length(), n = int64_t(numbers.size());
    sequence.extend(pool, n);
    const at::Tensor rows = at::tensor(numbers).view({n, 1, 1}).expand({n, kHeads, kHead});
    for (int64_t layer = 0; layer < kLayers; ++layer)
      sequence.write(layer, first, rows + double(layer), rows + double(layer) + 100);
    plain.insert(plain.end(), numbers.begin(), numbers.end());
  }
  bool holds() const {
    if (sequence.length() != int64_t(plain.size())) return false;
    if (plain.empty()) return true;
    const at::Tensor rows =
        at::tensor(plain).view({1, int64_t(plain.size()), 1}).expand({kHeads, int64_t(plain.size()), kHead});
    for (int64_t layer = 0; layer < kLayers; ++layer)
      if (!sequence.joined(layer, 0).equal(rows + double(layer)) ||
          !sequence.joined(layer, 1).equal(rows + double(layer) + 100))
        return false;
    return true;
  }
};

}  // namespace

TEST_CASE("random forks, appends, cuts and ends leave every sequence with its own rows") {
  std::mt19937 random(kSeed);
  const auto upto = [&](size_t n) { return size_t(random()) % (n + 1); };
  KvPool pool(kLayers, kHeads, kHead, at::TensorOptions(at::kFloat));
  std::vector<Twin> all(1);
  float next = 0;
  int64_t most = 0;
  for (int step = 0; step < 1500; ++step) {
    CAPTURE(step, kSeed);
    Twin &one = all[upto(all.size() - 1)];
    switch (upto(3)) {
      case 0: {
        std::vector<float> numbers(1 + upto(KvPool::kRows * 2));
        for (float &number : numbers) number = next++;
        if (one.plain.size() < 1000) one.append(pool, numbers);
        break;
      }
      case 1:
        if (all.size() < 12) {
          const size_t rows = upto(one.plain.size());
          all.push_back({one.sequence.fork(int64_t(rows)), {one.plain.begin(), one.plain.begin() + ptrdiff_t(rows)}});
        }
        break;
      case 2: {
        const size_t rows = upto(one.plain.size());
        one.sequence.truncate(int64_t(rows));
        one.plain.resize(rows);
        break;
      }
      default:
        if (all.size() > 1 && upto(2) == 0) {
          std::swap(one, all.back());
          all.pop_back();
        }
    }
    most = std::max(most, pool.held());
    for (const Twin &twin : all) REQUIRE(twin.holds());
  }
  CHECK(pool.held() + pool.spare() <= most + 1);  // nothing was made while something was spare
  all.clear();
  CHECK(pool.held() == 0);
}

TEST_CASE("a fork copies nothing until one of the two writes") {
  KvPool pool(kLayers, kHeads, kHead, at::TensorOptions(at::kFloat));
  Twin one;
  one.append(pool, std::vector<float>(KvPool::kRows + 10, 1.f));
  Twin two{one.sequence.fork(KvPool::kRows + 5), {one.plain.begin(), one.plain.end() - 5}};
  CHECK(pool.held() == 2);
  CHECK(two.sequence.own_blocks() == 0);
  two.append(pool, {7});
  CHECK(pool.held() == 3);
  CHECK(one.holds());
  CHECK(two.holds());
  CHECK(one.sequence.own_blocks() == 1);
  one.append(pool, {8});  // its last block is its own now
  CHECK(pool.held() == 3);
  CHECK(one.holds());
  CHECK(two.holds());
}

TEST_CASE("blocks outlive their pool") {
  KvSequence sequence;
  {
    KvPool pool(kLayers, kHeads, kHead, at::TensorOptions(at::kFloat));
    sequence.extend(pool, 100);
  }
  CHECK(sequence.joined(0, 0).size(1) == 100);
}
