// Memory: which groups are remembered. To add a policy: a file in memories/, a line in memory.cc.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <functional>
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
  std::vector<int> frames;      // source frames of each part, those just before it of which nothing is left too; 0: not known
  int side = 0;                 // the larger side of the source grid, in tokens; 0: not known
  int tokens() const;         // sum of the parts' n
  /// Lets the oldest parts go until the rest has at most `max_tokens` or is one part; `from` follows.
  void keep_newest(int max_tokens);
};
using GroupPtr = std::shared_ptr<const Group>;

/// Of groups, oldest first, as many as have at most `most` rows in all, at even distances; of one that is larger the newest
/// parts. `rows` may be null: their tokens.
std::vector<GroupPtr> spread(std::vector<GroupPtr> groups, int64_t most, const std::function<int(const Group &)> &rows);

/// How much may be remembered, or shown to a question. 0: no bound.
struct Room {
  int64_t tokens = 0;  // visual tokens
  int64_t rows = 0;    // of a prompt: tokens, and times as text
};

struct MemorySettings {
  Room room;
  std::function<int(const Group &)> rows;  // what a group takes of a prompt; null: its tokens
  std::function<std::vector<float>(const std::string &)> gist;  // Llm::gist(); null: not known
};

/// Note [Steady beginnings]
/// What a model has read of a prompt is only good for prompts that begin the same, and every key and value depends on all rows
/// before it: once the oldest group is dropped, nothing that was read fits any more. Dropping group by group would therefore
/// mean to read the whole memory again before each question. So where questions come at any moment (`steady`), a memory changes
/// its beginning rarely: when it is full the oldest quarter leaves at once, and which groups will then be the first is known as
/// soon as the last quarter has left. begins() names both, today's beginning and the next one, and the next one is read in idle
/// time while today's answers questions. Each row is read four times on average in its life, at positions from 0 on and after
/// nothing but what is remembered: an answer equals that of a fresh prefill, and what the first token waits for is the open
/// group and the question, however long the camera has been on. Between three quarters and all of the room is in use.
class Memory {
 public:
  virtual ~Memory() = default;
  void steady(bool on) { steady_ = on; }
  virtual void add(GroupPtr group) = 0;            // a group was closed
  /// What a question may see, oldest first, within `room`; `open` (may be null) comes last. Of a
  /// newest group that is larger, the newest parts that fit; nothing where not even the last of them does.
  virtual std::vector<GroupPtr> recall(const std::string &question, GroupPtr open, Room room) = 0;
  virtual std::vector<GroupPtr> held() const = 0;  // all that is remembered, oldest first, however much it is
  /// What prompts begin with, now and soon: worth reading ahead, the most wanted first.
  virtual std::vector<std::vector<GroupPtr>> begins() const = 0;
  virtual void clear() = 0;
  virtual int64_t forgotten() const = 0;           // groups let go so far

 protected:
  bool steady_ = false;
};

struct MemoryPolicy {
  const char *name;
  const char *help;
  std::unique_ptr<Memory> (*make)(const MemorySettings &);
};
std::span<const MemoryPolicy> memory_policies();

}  // namespace vtok
