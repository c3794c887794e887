// Gathers the token buffers of a stream into groups with the spans told to people.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "models/device_tokens.h"
#include "models/memory.h"

namespace vtok {

/// One token buffer as the memory sees it; times are ns of stream time, `to` its end.
struct Part {
  Tokens tokens;
  int64_t from = 0, to = 0;
  bool starts = false;    // DELTA_UNIT unset: a group begins here
  bool replaces = false;  // stands for all that its group had sent (mode=incremental)
  bool after_loss = false;  // nobody saw what was between the part before and this one
  uint64_t group = 0;     // the group's number in its stream
  int frames = 0, side = 0;  // as in Group
  int64_t running = 0;    // running time of `from`, ns
};

/// A group is closed by the next start or by close(); its span ends where the next begins; the last one's, and that of
/// one after which something was lost, where its last buffer or GAP ended. Groups get ids of their own, from 1.
class Gather {
  std::shared_ptr<Group> open_;
  OwnStream own_stream_;  // for tokens on a device
  int max_tokens_ = 0;
  int64_t began_ = 0;  // the open group's first part, kept or not
  uint64_t stream_group_ = 0, last_id_ = 0;

 public:
  /// The open group lets its oldest parts go rather than to have more tokens; 0: no bound.
  void bound(int max_tokens) { max_tokens_ = max_tokens; }
  /// Takes the next buffer; returns the group that it closes, null where it closes none. Throws BadTokens
  /// where a number is NaN or infinite, and is then as before.
  GroupPtr add(Part part);
  /// Nothing new until `to`: the open group becomes longer.
  void gap(int64_t to);
  /// EOS, SEGMENT, a caps change: no more for the open group. Null where none is open.
  GroupPtr close();
  /// The open group as it is now, for a question; null where none is open.
  GroupPtr open() const;
  void reset() { open_ = nullptr; }
};

/// Throws BadTokens naming the first row of host tokens that holds a NaN or an infinity.
void check_finite(const Tokens &tokens);

}  // namespace vtok
