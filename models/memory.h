// Memory: which groups are remembered. To add a policy: a file in memories/, a line in memory.cc.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/tokens.h"

namespace vtok {

/// The frames from one keyframe to the next, as tokens. Immutable once closed.
struct Group {
  uint64_t id = 0;
  int64_t from = 0, to = 0;   // ns of stream time (or UTC, clock=utc); the span told to people
  bool closed = false;
  std::vector<Tokens> parts;  // in time order
  std::vector<int64_t> starts;  // when each part begins, as `from`
  int tokens() const;         // sum of the parts' n
  /// Lets the oldest parts go until the rest has at most `max_tokens` or is one part; `from` follows.
  void keep_newest(int max_tokens);
};
using GroupPtr = std::shared_ptr<const Group>;

class Memory {
 public:
  virtual ~Memory() = default;
  virtual void add(GroupPtr group) = 0;            // a group was closed
  /// What a question may see, oldest first, within `budget` tokens (0: no bound); `open` (may be null) comes last. Of a
  /// newest group that is larger, the newest parts that fit; nothing where not even the last of them does.
  virtual std::vector<GroupPtr> recall(const std::string &question, GroupPtr open, int budget) = 0;
  virtual void clear() = 0;
  virtual int64_t forgotten() const = 0;           // groups let go so far
};

struct MemoryPolicy {
  const char *name;
  const char *help;
  std::unique_ptr<Memory> (*make)(int max_tokens);  // 0: no bound of its own
};
std::span<const MemoryPolicy> memory_policies();

}  // namespace vtok
