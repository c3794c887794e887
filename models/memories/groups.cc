// What of some groups fits.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/memories/groups.h"

namespace vtok {

std::vector<GroupPtr> all_within(std::vector<GroupPtr> groups, GroupPtr open, const Room &room,
                                 const MemorySettings &settings) {
  if (open) groups.push_back(std::move(open));
  Sizes sizes;
  for (const GroupPtr &group : groups) sizes += Kept(group, settings);
  if (!sizes.within(room)) groups.clear();
  return groups;
}

std::vector<GroupPtr> newest_within(const std::deque<Kept> &kept, GroupPtr open, const Room &room,
                                    const MemorySettings &settings) {
  std::vector<GroupPtr> newest;  // newest first
  Sizes sizes;
  const auto take = [&](Kept one) {
    if (room.tokens && newest.empty() && one.tokens > room.tokens) {
      auto part = std::make_shared<Group>(*one.group);
      part->keep_newest(int(room.tokens));
      one = Kept(std::move(part), settings);
    }
    sizes += one;
    const bool fits = newest.empty() ? !room.tokens || sizes.tokens <= room.tokens : sizes.within(room);
    if (fits) newest.push_back(std::move(one.group));
    return fits;
  };
  if (open && !take(Kept(std::move(open), settings))) return {};
  for (auto one = kept.rbegin(); one != kept.rend() && take(*one);) ++one;
  return {newest.rbegin(), newest.rend()};
}

}  // namespace vtok
