// The newest groups are remembered, the oldest dropped.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/memories/window.h"

#include <algorithm>

namespace vtok {

// In a steady stream the prompt's bound is kept from the start; otherwise recall() sees to it.
Room Window::room() const { return {settings_.room.tokens, steady_ ? settings_.room.rows : 0}; }

void Window::drop() {
  sizes_ -= groups_.front();
  if (portion_ > 0) leaving_ -= groups_.front(), --portion_;
  if (leaves_) leaves_(std::move(groups_.front()));
  groups_.pop_front();
  ++forgotten_;
}

void Window::add(GroupPtr group) {
  groups_.emplace_back(std::move(group), settings_);
  sizes_ += groups_.back();
  while (!sizes_.within(room()))
    for (size_t leaving = steady_ ? std::max<size_t>(1, portion_) : 1; leaving > 0; --leaving) drop();
  while (portion_ < groups_.size() && leaving_.share(room()) < kPortion) leaving_ += groups_[portion_++];
}

std::vector<GroupPtr> Window::recall(const std::string &, GroupPtr open, Room within) {
  if (steady_)
    for (const size_t first : {size_t(0), portion_})
      if (auto all = all_within(groups_of(groups_, first), open, within, settings_); !all.empty()) return all;
  return newest_within(groups_, std::move(open), within, settings_);
}

std::vector<std::vector<GroupPtr>> Window::begins() const {
  std::vector<std::vector<GroupPtr>> out;
  if (!steady_ && forgotten_ > 0) return out;  // the next group changes the beginning
  out.push_back(groups_of(groups_));
  if (steady_ && sizes_.share(room()) >= 1 - kPortion) out.push_back(groups_of(groups_, portion_));
  return out;
}

void Window::clear() {
  groups_.clear();
  sizes_ = leaving_ = {};
  portion_ = 0;
  forgotten_ = 0;
}

std::unique_ptr<Memory> make_window_memory(const MemorySettings &settings) {
  return std::make_unique<Window>(settings);
}

}  // namespace vtok
