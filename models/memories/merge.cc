// Nothing is dropped: when the memory is full its older half is compressed again, neighbours joined.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// So the past becomes the coarser the older it is.
#include <string>

#include "models/device_tokens.h"
#include "models/memories/groups.h"
#include "models/temporal.h"

namespace vtok {
namespace {

constexpr int kMostAtOnce = 4096;  // tokens compared with each other: their pairs are what compressing costs

/// At most half as many tokens as the groups have, by temporal SCC: at its own tau where that suffices, at a lower one where not.
GroupPtr joined(const std::vector<GroupPtr> &groups) {
  auto out = std::make_shared<Group>();
  out->id = groups.front()->id;
  out->from = groups.front()->from;
  out->to = groups.back()->to;
  out->closed = true;
  std::vector<Tokens> now;
  int n = 0, frames = 0;
  int64_t began = out->from;
  const auto compress = [&] {
    CompressorSettings settings;
    settings.budget.max_tokens = std::max(1, n / 2);
    for (const TemporalMethod &method : temporal_methods())
      if (std::string(method.name) == "scc") {
        const auto scc = method.make(settings);
        for (Tokens &tokens : now) {
          int64_t source = 0;
          for (const Record &record : tokens.records) source += record.weight;
          scc->add({.tokens = std::move(tokens), .sources = {}, .source = source});
        }
        out->parts.push_back(scc->close());
        out->starts.push_back(began);
        out->frames.push_back(frames);
      }
    now.clear();
    n = frames = 0;
  };
  for (const GroupPtr &group : groups) {
    out->side = std::max(out->side, group->side);
    for (size_t p = 0; p < group->parts.size(); ++p) {
      const Tokens &part = group->parts[p];
      if (n > 0 && n + part.n > kMostAtOnce) compress();
      const int64_t start = p < group->starts.size() ? group->starts[p] : group->from;
      if (n == 0) began = start;
      now.push_back(to_host(part));  // groups may lie on different devices
      now.back().records.resize(size_t(part.n));
      for (Record &record : now.back().records) record.time += start - began;
      n += part.n;
      frames += p < group->frames.size() ? group->frames[p] : 0;
    }
  }
  if (n > 0) compress();
  return out;
}

class Merge : public Memory {
  const MemorySettings settings_;
  std::deque<Kept> groups_;
  Sizes sizes_;
  // Known from when the memory is three quarters full: what the older half will be.
  size_t old_ = 0;           // groups; 0: not known yet
  std::vector<Kept> older_;  // what they become
  int64_t forgotten_ = 0;

  void plan() {
    Sizes sizes;
    while (old_ < groups_.size() && sizes.share(settings_.room) < 0.5) sizes += groups_[old_++];
    for (size_t i = 0; i < old_; i += 2) {
      std::vector<GroupPtr> pair{groups_[i].group};
      if (i + 1 < old_) pair.push_back(groups_[i + 1].group);
      older_.emplace_back(joined(pair), settings_);
    }
  }

  void change() {
    if (old_ == 0) plan();
    Sizes before;
    for (size_t i = 0; i < old_; ++i) before += groups_[i];
    Sizes after;
    for (const Kept &kept : older_) after += kept;
    if (after.tokens + after.rows < before.tokens + before.rows) {
      groups_.erase(groups_.begin(), groups_.begin() + ptrdiff_t(old_));
      groups_.insert(groups_.begin(), older_.begin(), older_.end());
    } else {  // one token cannot become less
      groups_.pop_front();
      ++forgotten_;
    }
    sizes_ = {};
    for (const Kept &kept : groups_) sizes_ += kept;
    old_ = 0;
    older_.clear();
  }

  std::vector<GroupPtr> next() const {
    std::vector<GroupPtr> out = groups_of(older_);
    for (size_t i = old_; i < groups_.size(); ++i) out.push_back(groups_[i].group);
    return out;
  }

 public:
  explicit Merge(const MemorySettings &settings) : settings_(settings) {}

  void add(GroupPtr group) override {
    groups_.emplace_back(std::move(group), settings_);
    sizes_ += groups_.back();
    while (!sizes_.within(settings_.room)) change();
    if (old_ == 0 && sizes_.share(settings_.room) >= 1 - kPortion) plan();
  }

  std::vector<GroupPtr> recall(const std::string &, GroupPtr open, Room room) override {
    if (auto all = all_within(groups_of(groups_), open, room, settings_); !all.empty()) return all;
    if (old_ > 0)
      if (auto all = all_within(next(), open, room, settings_); !all.empty()) return all;
    return newest_within(groups_, std::move(open), room, settings_);
  }

  std::vector<GroupPtr> held() const override { return groups_of(groups_); }

  std::vector<std::vector<GroupPtr>> begins() const override {
    std::vector<std::vector<GroupPtr>> out{groups_of(groups_)};
    if (old_ > 0) out.push_back(next());
    return out;
  }

  void clear() override {
    groups_.clear();
    older_.clear();
    sizes_ = {};
    old_ = 0;
    forgotten_ = 0;
  }

  int64_t forgotten() const override { return forgotten_; }
};

}  // namespace

std::unique_ptr<Memory> make_merge_memory(const MemorySettings &settings) {
  return std::make_unique<Merge>(settings);
}

}  // namespace vtok
