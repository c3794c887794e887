// Which cells of the source grid tokens came from, by the time of their frames: what vtokoverlay draws.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "gst/bridge.h"

namespace vtok {

/// A cell a token is left of.
struct Cell {
  uint16_t row, column;
  uint32_t weight;  // source tokens it stands for
  bool operator==(const Cell &) const = default;
};

/// What is left of one source frame.
struct KeptCells {
  int columns = 0, rows = 0;
  std::vector<Cell> cells;
};

class Kept {
  std::map<GstClockTime, std::shared_ptr<const KeptCells>> frames_;  // by running time

 public:
  /// The tokens of a buffer that begins at this running time; `replaces`: instead of all that came for its
  /// span.
  void add(GstClockTime begin, GstClockTime duration, const Tokens &tokens, const GstVtokCounts &counts);
  /// Of the newest frame at or before this running time; null: there is none. What is older is forgotten.
  std::shared_ptr<const KeptCells> at(GstClockTime running);
  /// Source frames held.
  size_t size() const { return frames_.size(); }
  void drop_oldest() { frames_.erase(frames_.begin()); }
  void clear() { frames_.clear(); }
};

}  // namespace vtok
