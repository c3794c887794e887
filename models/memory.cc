// Memory: which groups are remembered. To add a policy: a file in memories/, a line here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/memory.h"

namespace vtok {

std::unique_ptr<Memory> make_window_memory(int max_tokens);

namespace {

const MemoryPolicy kPolicies[] = {
    {"window", "remembers the newest groups, drops the oldest", make_window_memory},
};

}  // namespace

int Group::tokens() const {
  int sum = 0;
  for (const Tokens &part : parts) sum += part.n;
  return sum;
}

std::span<const MemoryPolicy> memory_policies() { return kPolicies; }

}  // namespace vtok
