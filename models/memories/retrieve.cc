// The newest groups are read ahead; older ones are put by, and a question is shown those most like it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/device_tokens.h"
#include "models/memories/window.h"

namespace vtok {
namespace {

// Tokens are put by, not keys and values: they are a seventh of the size or less, and read again behind the
// newest groups they give an answer that is exactly a fresh prefill's, at positions the model was trained
// for. What is brought back is read when the question comes, so there is a bound to it.
constexpr int64_t kArchive = 1 << 18;  // tokens put by at most; the oldest are let go
constexpr int64_t kMostRows = 512;     // brought back for a question
constexpr double kShare = 0.25;        // of the room that is left to what is brought back

/// The mean direction of a group's tokens.
std::vector<float> gist_of(const Group &group) {
  std::vector<float> sum;
  for (const Tokens &part : group.parts) {
    const Tokens wide = to_float32(to_host(part));
    sum.resize(size_t(wide.dim));
    for (int i = 0; i < wide.n; ++i) {
      const float *row = static_cast<const float *>(wide.row(i));
      const float length = std::sqrt(std::inner_product(row, row + wide.dim, row, 1e-12f));
      for (size_t c = 0; c < sum.size(); ++c) sum[c] += row[c] / length;
    }
  }
  for (float &number : sum) number /= float(std::max(1, group.tokens()));
  return sum;
}

/// In eight sums at once: a day's groups are compared with every question.
float dot(const std::vector<float> &a, const std::vector<float> &b) {
  constexpr size_t kLanes = 8;
  float sums[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes)
    for (size_t k = 0; k < kLanes; ++k) sums[k] += a[i + k] * b[i + k];
  float sum = std::accumulate(sums, sums + kLanes, 0.f);
  for (; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The same group in memory of its own: the buffers it came in go back to where they are from.
GroupPtr compact(const Group &group) {
  auto out = std::make_shared<Group>(group);
  for (Tokens &part : out->parts) {
    if (part.memory) {
      part = to_host(part);
      continue;
    }
    void *memory;
    Tokens copy = allocate_tokens(part.type, part.n, part.dim, memory);
    std::copy_n(static_cast<const char *>(part.data.get()), part.bytes(), static_cast<char *>(memory));
    copy.records = part.records;
    copy.levels = part.levels;
    part = std::move(copy);
  }
  return out;
}

class Retrieve : public Memory {
  struct Old {
    Kept kept;
    std::vector<float> gist;  // empty: not known
    float square = 0;         // of its length
  };
  const MemorySettings settings_;
  Window recent_;
  std::deque<Old> archive_;
  int64_t tokens_ = 0;       // of the archive
  std::vector<double> sum_;  // of its gists: what all groups have in common says nothing
  int64_t forgotten_ = 0;
  std::string asked_;  // the question that order_ is for; empty: none
  std::vector<size_t> order_;

  static MemorySettings share(MemorySettings settings) {
    settings.room.tokens = int64_t(double(settings.room.tokens) * (1 - kShare));
    settings.room.rows -= std::min(kMostRows, int64_t(double(settings.room.rows) * kShare));
    return settings;
  }

  void put_by(Kept kept) {
    kept.group = compact(*kept.group);
    std::vector<float> gist = gist_of(*kept.group);
    sum_.resize(std::max(sum_.size(), gist.size()));
    for (size_t c = 0; c < gist.size(); ++c) sum_[c] += gist[c];
    tokens_ += kept.tokens;
    const float square = dot(gist, gist);
    archive_.push_back({std::move(kept), std::move(gist), square});
    asked_.clear();
    while (tokens_ > kArchive) {
      tokens_ -= archive_.front().kept.tokens;
      for (size_t c = 0; c < archive_.front().gist.size(); ++c) sum_[c] -= archive_.front().gist[c];
      archive_.pop_front();
      ++forgotten_;
    }
  }

  /// Indices of what was put by, the most like the question first; where that is not known, the newest.
  const std::vector<size_t> &ranked(const std::string &question) {
    if (!question.empty() && question == asked_) return order_;
    const std::vector<float> gist =
        settings_.gist && !question.empty() ? settings_.gist(question) : std::vector<float>();
    // The cosine of what sets a group apart from all others with the question's gist.
    std::vector<float> mean(sum_.size());
    for (size_t c = 0; c < mean.size(); ++c) mean[c] = float(sum_[c] / double(archive_.size()));
    const bool known = !gist.empty() && gist.size() == mean.size();
    const float common = known ? dot(mean, gist) : 0, square = dot(mean, mean);
    std::vector<float> scores(archive_.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      const Old &old = archive_[i];
      if (!known || old.gist.size() != gist.size()) continue;
      const float own = std::max(old.square - 2 * dot(old.gist, mean) + square, 1e-12f);
      scores[i] = (dot(old.gist, gist) - common) / std::sqrt(own);
    }
    order_.resize(archive_.size());
    std::iota(order_.rbegin(), order_.rend(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    asked_ = question;
    return order_;
  }

 public:
  explicit Retrieve(const MemorySettings &settings)
      : settings_(settings), recent_(share(settings), [this](Kept kept) { put_by(std::move(kept)); }) {}

  void add(GroupPtr group) override {
    recent_.steady(steady_);
    recent_.add(std::move(group));
  }

  /// The newest groups, those brought back in the order of their times, the open one. What was read ahead
  /// stays of use so; the times say what came when.
  std::vector<GroupPtr> recall(const std::string &question, GroupPtr open, Room room) override {
    std::vector<GroupPtr> groups = recent_.recall(question, open, room);
    if (open && groups.empty()) return groups;
    Sizes sizes, brought;
    for (const GroupPtr &group : groups) sizes += Kept(group, settings_);
    const Room own = {settings_.room.tokens ? settings_.room.tokens + (open ? open->tokens() : 0) : 0, 0};
    std::vector<size_t> chosen;
    for (const size_t i : ranked(question)) {
      const Kept &kept = archive_[i].kept;
      Sizes with = sizes, back = brought;
      with += kept, back += kept;
      if (!with.within(room) || !with.within(own) || back.rows > kMostRows) continue;
      sizes = with, brought = back;
      chosen.push_back(i);
    }
    std::sort(chosen.begin(), chosen.end());
    std::vector<GroupPtr> back;
    for (const size_t i : chosen) back.push_back(archive_[i].kept.group);
    groups.insert(groups.end() - (open ? 1 : 0), back.begin(), back.end());
    return groups;
  }

  std::vector<GroupPtr> held() const override {
    std::vector<GroupPtr> out;
    for (const Old &old : archive_) out.push_back(old.kept.group);
    const auto recent = recent_.held();
    out.insert(out.end(), recent.begin(), recent.end());
    return out;
  }

  std::vector<std::vector<GroupPtr>> begins() const override { return recent_.begins(); }

  void clear() override {
    recent_.clear();
    archive_.clear();
    asked_.clear();
    sum_.clear();
    tokens_ = forgotten_ = 0;
  }

  int64_t forgotten() const override { return forgotten_; }
};

}  // namespace

std::unique_ptr<Memory> make_retrieve_memory(const MemorySettings &settings) {
  return std::make_unique<Retrieve>(settings);
}

}  // namespace vtok
