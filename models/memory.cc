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
    {"merge", "remembers all, the older the coarser: old groups are joined and compressed again", make_merge_memory},
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
}

std::span<const MemoryPolicy> memory_policies() { return kPolicies; }

}  // namespace vtok
