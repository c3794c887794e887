// Positions of a prompt's rows (Note [Places of tokens]).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/positions.h"

#include <algorithm>
#include <cmath>

#include "models/prompt.h"

namespace vtok {
namespace {

/// A group's tokens one after another: each part's, with the part's own start.
class Places {
  const Group &group_;

 public:
  explicit Places(const Group &group) : group_(group) {}
  int64_t start(size_t part) const { return part < group_.starts.size() ? group_.starts[part] : group_.from; }
  /// Calls each(time in ns, record) for `count` tokens from `first` on.
  template <class Each>
  void walk(int first, int count, Each &&each) const {
    int before = 0;
    for (size_t p = 0; p < group_.parts.size(); ++p) {
      const Tokens &part = group_.parts[p];
      for (int i = std::max(first - before, 0); i < std::min(first + count - before, part.n); ++i) {
        const Record record = size_t(i) < part.records.size() ? part.records[size_t(i)] : Record();
        each(start(p) + record.time, record);
      }
      before += part.n;
    }
  }
};

/// Seconds times per_second, cut to a whole number; a nanosecond short of one counts as it.
int32_t steps_in(int64_t ns, double per_second) {
  return int32_t(std::clamp(std::floor((double(std::max<int64_t>(ns, 0)) + 1) * per_second / 1e9 + 1e-9), 0.0, 1e9));
}

}  // namespace

std::vector<Position> positions_of(const std::vector<Segment> &segments, const PositionRule &rule) {
  std::vector<Position> positions;
  if (!rule.places) return positions;
  const auto put = [&](int64_t time, int64_t row, int64_t column) {
    const auto fits = [&](int64_t position) { return int32_t(std::min<int64_t>(position, rule.limit)); };
    positions.push_back({fits(time), fits(row), fits(column)});
  };
  int64_t next = 0;
  for (size_t at = 0; at < segments.size();) {
    if (segments[at].kind != Segment::kVisual) {
      for (int i = 0; i < segments[at].size(); ++i, ++next) put(next, next, next);
      ++at;
      continue;
    }
    const Segment &first = segments[at];
    int64_t began = Places(*first.group).start(0);
    if (first.first > 0) Places(*first.group).walk(first.first, 1, [&](int64_t time, const Record &) { began = time; });
    const int64_t start = next;
    int64_t last = INT64_MAX, step = 0, side = 0;  // the time that the tokens have now, its number
    for (; at < segments.size() && segments[at].kind == Segment::kVisual; ++at)
      Places(*segments[at].group).walk(segments[at].first, segments[at].size(), [&](int64_t time, const Record &record) {
        if (time > last) ++step;
        last = time;
        const int64_t passed = rule.per_second > 0 ? steps_in(time - began, rule.per_second) : step;
        put(start + passed, start + record.row, start + record.column);
        side = std::max<int64_t>(side, std::max(record.row, record.column) + 1);
      });
    next = start + side;
  }
  return positions;
}

}  // namespace vtok
