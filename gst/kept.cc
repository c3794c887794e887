// Kept cells by time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/kept.h"

#include <algorithm>

namespace vtok {

void Kept::add(GstClockTime begin, GstClockTime duration, const Tokens &tokens, const GstVtokCounts &counts) {
  if (counts.replaces && GST_CLOCK_TIME_IS_VALID(duration))
    frames_.erase(frames_.lower_bound(begin), frames_.lower_bound(begin + duration));
  std::map<GstClockTime, KeptCells> fresh;
  for (const Record &record : tokens.records) {
    GstClockTimeDiff at;
    if (__builtin_add_overflow(GstClockTimeDiff(begin), record.time, &at)) continue;
    KeptCells &frame = fresh[GstClockTime(std::max<GstClockTimeDiff>(at, 0))];
    frame.cells.push_back({record.row, record.column, record.weight});
    frame.columns = std::max({frame.columns, int(counts.grid_width), record.column + 1});
    frame.rows = std::max({frame.rows, int(counts.grid_height), record.row + 1});
  }
  for (auto &[at, frame] : fresh) frames_[at] = std::make_shared<const KeptCells>(std::move(frame));
}

std::shared_ptr<const KeptCells> Kept::at(GstClockTime running) {
  auto after = frames_.upper_bound(running);
  if (after == frames_.begin()) return nullptr;
  const auto newest = std::prev(after);
  frames_.erase(frames_.begin(), newest);
  return newest->second;
}

}  // namespace vtok
