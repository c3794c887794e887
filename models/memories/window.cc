// The newest groups are remembered, the oldest dropped.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <deque>

#include "models/memory.h"

namespace vtok {
namespace {

class Window : public Memory {
  const int max_tokens_;  // 0: no bound
  std::deque<GroupPtr> groups_;
  int64_t tokens_ = 0;  // of groups_
  int64_t forgotten_ = 0;

 public:
  explicit Window(int max_tokens) : max_tokens_(max_tokens) {}

  /// A group larger than the bound is forgotten at once: what is remembered never exceeds it.
  void add(GroupPtr group) override {
    tokens_ += group->tokens();
    groups_.push_back(std::move(group));
    while (max_tokens_ && tokens_ > max_tokens_) {
      tokens_ -= groups_.front()->tokens();
      groups_.pop_front();
      ++forgotten_;
    }
  }

  std::vector<GroupPtr> recall(const std::string &, GroupPtr open, int budget) override {
    std::vector<GroupPtr> newest;  // newest first
    int64_t tokens = 0;
    const auto take = [&](GroupPtr group) {
      if (budget && newest.empty() && group->tokens() > budget) {
        auto part = std::make_shared<Group>(*group);
        part->keep_newest(budget);
        group = std::move(part);
      }
      tokens += group->tokens();
      if (budget && tokens > budget) return false;
      newest.push_back(std::move(group));
      return true;
    };
    if (open && !take(std::move(open))) return {};
    for (auto group = groups_.rbegin(); group != groups_.rend() && take(*group);) ++group;
    return {newest.rbegin(), newest.rend()};
  }

  void clear() override {
    groups_.clear();
    tokens_ = 0;
  }

  int64_t forgotten() const override { return forgotten_; }
};

}  // namespace

std::unique_ptr<Memory> make_window_memory(int max_tokens) {
  return std::make_unique<Window>(std::max(0, max_tokens));
}

}  // namespace vtok
