// Temporal compressors: the frames of one group in, fewer tokens out. To add one: a file in temporal/, a line in temporal.cc.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <optional>
#include <span>

#include "models/spatial.h"
#include "models/tokens.h"

namespace vtok {

/// One frame of a group; record times are already offsets from the *group's* PTS.
struct TemporalInput {
  Tokens tokens;                  // what the spatial step left
  std::optional<Tokens> sources;  // the encoder's tokens, for the merge (extras=sources)
  int64_t source = 0;             // the encoder's token count in this frame
};

class Temporal {
 public:
  virtual ~Temporal() = default;
  /// Takes the next frame of the open group. With CompressorSettings::incremental returns the tokens that are new
  /// (n may be 0), else n = 0. Throws BadTokens on NaN or Inf and then leaves the group as it was.
  virtual Tokens add(const TemporalInput &frame) = 0;
  /// What holds for the open group and those that follow, instead of the settings' budget.
  virtual void set_budget(const Budget &budget) = 0;
  /// The whole group's tokens; the next add() starts a new group.
  virtual Tokens close() = 0;
  virtual void reset() = 0;  // forgets the open group
};

struct TemporalMethod {
  const char *name;
  const char *help;
  bool wants_sources;  // asks vtokspatial for extras=sources
  std::unique_ptr<Temporal> (*make)(const CompressorSettings &);
};
std::span<const TemporalMethod> temporal_methods();

}  // namespace vtok
