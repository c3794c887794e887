// The newest groups; what leaves goes to whoever wants it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <deque>

#include "models/memories/groups.h"

namespace vtok {

class Window : public Memory {
  const MemorySettings settings_;
  const std::function<void(Kept)> leaves_;  // may be null
  std::deque<Kept> groups_;
  Sizes sizes_;         // of groups_
  size_t portion_ = 0;  // groups that leave next
  Sizes leaving_;       // of these
  int64_t forgotten_ = 0;

  Room room() const;
  void drop();

 public:
  explicit Window(const MemorySettings &settings, std::function<void(Kept)> leaves = nullptr)
      : settings_(settings), leaves_(std::move(leaves)) {}
  /// A group larger than the bound is forgotten at once: what is remembered never exceeds it.
  void add(GroupPtr group) override;
  std::vector<GroupPtr> recall(const std::string &question, GroupPtr open, Room room) override;
  std::vector<GroupPtr> held() const override { return groups_of(groups_); }
  std::vector<std::vector<GroupPtr>> begins() const override;
  void clear() override;
  int64_t forgotten() const override { return forgotten_; }
};

}  // namespace vtok
