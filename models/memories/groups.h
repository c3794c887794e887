// Groups with what they take of a memory and of a prompt.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>
#include <deque>
#include <vector>

#include "models/memory.h"

namespace vtok {

constexpr double kPortion = 0.25;  // of the room: what changes at once; Note [Steady beginnings]

struct Kept {
  GroupPtr group;
  int64_t tokens, rows;
  Kept(GroupPtr one, const MemorySettings &settings)
      : group(std::move(one)), tokens(group->tokens()), rows(settings.rows ? settings.rows(*group) : tokens) {}
};

struct Sizes {
  int64_t tokens = 0, rows = 0;
  Sizes &operator+=(const Kept &kept) {
    tokens += kept.tokens, rows += kept.rows;
    return *this;
  }
  Sizes &operator-=(const Kept &kept) {
    tokens -= kept.tokens, rows -= kept.rows;
    return *this;
  }
  bool within(const Room &room) const {
    return (!room.tokens || tokens <= room.tokens) && (!room.rows || rows <= room.rows);
  }
  /// The share of the room that is taken, by the tighter bound; 0 where there is none.
  double share(const Room &room) const {
    return std::max(room.tokens ? double(tokens) / double(room.tokens) : 0.,
                    room.rows ? double(rows) / double(room.rows) : 0.);
  }
};

template <class Range>
std::vector<GroupPtr> groups_of(const Range &kept, size_t first = 0) {
  std::vector<GroupPtr> out;
  for (size_t i = first; i < kept.size(); ++i) out.push_back(kept[i].group);
  return out;
}

/// All of `groups`, and `open` (may be null) after them; nothing where they do not fit, or there are none.
std::vector<GroupPtr> all_within(std::vector<GroupPtr> groups, GroupPtr open, const Room &room,
                                 const MemorySettings &settings);

/// The newest of `kept`, and `open` (may be null) after them, as many as fit.
std::vector<GroupPtr> newest_within(const std::deque<Kept> &kept, GroupPtr open, const Room &room,
                                    const MemorySettings &settings);

}  // namespace vtok
