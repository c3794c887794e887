// Memory: which groups are remembered. To add a policy: a file in memories/, a line here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/memory.h"

#include <algorithm>

namespace vtok {

std::unique_ptr<Memory> make_window_memory(const MemorySettings &);
std::unique_ptr<Memory> make_merge_memory(const MemorySettings &);
std::unique_ptr<Memory> make_retrieve_memory(const MemorySettings &);

namespace {

const MemoryPolicy kPolicies[] = {
    {"window", "remembers the newest groups, drops the oldest", make_window_memory},
    {"merge", "remembers all, the older the coarser: old groups are joined and compressed again",
     make_merge_memory},
    {"retrieve", "puts the oldest groups by, and shows a question those most like it", make_retrieve_memory},
};

}  // namespace

int Group::tokens() const {
  int sum = 0;
  for (const Tokens &part : parts) sum += part.n;
  return sum;
}

void Group::keep_newest(int max_tokens) {
  int left = tokens();
  size_t first = 0;
  while (first + 1 < parts.size() && left > max_tokens) left -= parts[first++].n;
  parts.erase(parts.begin(), parts.begin() + ptrdiff_t(first));
  if (first < starts.size()) from = starts[first];
  starts.erase(starts.begin(), starts.begin() + ptrdiff_t(std::min(first, starts.size())));
  frames.erase(frames.begin(), frames.begin() + ptrdiff_t(std::min(first, frames.size())));
}

std::vector<GroupPtr> spread(std::vector<GroupPtr> groups, int64_t most, const std::function<int(const Group &)> &rows) {
  const auto size = [&](const GroupPtr &group) { return int64_t(rows ? rows(*group) : group->tokens()); };
  int64_t all = 0;
  for (const GroupPtr &group : groups) all += size(group);
  if (all <= most) return groups;
  std::vector<GroupPtr> out;
  int64_t owed = 0;  // rows times `all`
  for (const GroupPtr &group : groups) {
    owed += size(group) * most;
    if (owed < size(group) * all) continue;
    owed -= size(group) * all;
    out.push_back(group);
  }
  if (out.empty() && most > 0) {
    auto part = std::make_shared<Group>(*groups.back());
    part->keep_newest(int(std::max<int64_t>(1, most - (size(part) - part->tokens()))));
    if (size(part) <= most) out.push_back(std::move(part));
  }
  return out;
}

std::span<const MemoryPolicy> memory_policies() { return kPolicies; }

}  // namespace vtok
