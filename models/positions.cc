// Positions of a prompt's rows (Note [Places of tokens]).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/positions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "models/prompt.h"

namespace vtok {
namespace {

/// A group's tokens one after another: each part's, with the part's own start and its steps.
class Places {
  const Group &group_;
  std::vector<std::map<int64_t, int64_t>>
      steps_;        // of each part: a token's time -> its step, counted from the group's first
  int64_t all_ = 0;  // steps of the group

  int64_t start(size_t part) const { return part < group_.starts.size() ? group_.starts[part] : group_.from; }
  Record record(size_t part, int i) const {
    const std::vector<Record> &records = group_.parts[part].records;
    return size_t(i) < records.size() ? records[size_t(i)] : Record();
  }
  /// `steps` of the part's, those before the first and after the last token's too.
  void count(size_t part, std::map<int64_t, int64_t> &steps, int64_t expected) {
    const int64_t begin = start(part), end = part + 1 < group_.parts.size() ? start(part + 1) : group_.to;
    const double length = double(std::max<int64_t>(end - begin, 1)) / double(std::max<int64_t>(expected, 1));
    int64_t next = 0, left = int64_t(steps.size());
    for (auto &[time, step] : steps) {
      if (expected == int64_t(steps.size()))
        step = next;
      else if (part > 0 && steps.size() == 1)
        step = expected - 1;
      else
        step = std::clamp(int64_t(std::floor(double(time - begin) / length + 0.5)), next, expected - left);
      next = step + 1;
      step += all_;
      --left;
    }
    all_ += expected;
  }

 public:
  Places(const Group &group, int step_frames) : group_(group), steps_(group.parts.size()) {
    for (size_t p = 0; p < group.parts.size(); ++p) {
      for (int i = 0; i < group.parts[p].n; ++i) steps_[p][start(p) + record(p, i).time] = 0;
      const int64_t frames = p < group.frames.size() ? group.frames[p] : 0;
      count(p, steps_[p], std::max((frames + step_frames - 1) / step_frames, int64_t(steps_[p].size())));
    }
  }
  int64_t start() const { return start(0); }
  int64_t steps() const { return all_; }
  /// Calls each(time in ns, step, record) for `count` tokens from `first` on.
  template <class Each>
  void walk(int first, int count, Each &&each) const {
    int before = 0;
    for (size_t p = 0; p < group_.parts.size(); ++p) {
      const Tokens &part = group_.parts[p];
      for (int i = std::max(first - before, 0); i < std::min(first + count - before, part.n); ++i) {
        const Record one = record(p, i);
        const int64_t time = start(p) + one.time;
        each(time, steps_[p].at(time), one);
      }
      before += part.n;
    }
  }
};

/// Seconds times per_second, cut to a whole number; a nanosecond short of one counts as it.
int32_t steps_in(int64_t ns, double per_second) {
  return int32_t(
      std::clamp(std::floor((double(std::max<int64_t>(ns, 0)) + 1) * per_second / 1e9 + 1e-9), 0.0, 1e9));
}

}  // namespace

std::vector<Position> positions_of(const std::vector<Segment> &segments, const PositionRule &rule) {
  std::vector<Position> positions;
  if (!rule.places) return positions;
  const auto put = [&](int64_t time, int64_t row, int64_t column) {
    const auto fits = [&](int64_t position) { return int32_t(std::min<int64_t>(position, rule.limit)); };
    positions.push_back({fits(time), fits(row), fits(column)});
  };
  GroupPtr group;
  std::optional<Places> places;  // of `group`
  int64_t next = 0;
  for (size_t at = 0; at < segments.size();) {
    if (segments[at].kind != Segment::kVisual) {
      for (int i = 0; i < segments[at].size(); ++i, ++next) put(next, next, next);
      ++at;
      continue;
    }
    const int64_t start = next;
    int64_t began = 0, before = 0, side = 0;  // the video's time and step 0; the larger side of its grid
    for (bool first = true; at < segments.size() && segments[at].kind == Segment::kVisual;
         ++at, first = false) {
      const Segment &segment = segments[at];
      if (segment.group != group) {
        if (!first) before += places->steps();
        group = segment.group;
        places.emplace(*group, rule.frames);
      }
      if (first) {
        began = places->start();
        if (segment.first > 0)
          places->walk(segment.first, 1,
                       [&](int64_t time, int64_t step, const Record &) { began = time, before = -step; });
      }
      places->walk(segment.first, segment.size(), [&](int64_t time, int64_t step, const Record &record) {
        const int64_t passed = rule.per_second > 0 ? steps_in(time - began, rule.per_second) : before + step;
        put(start + passed, start + record.row, start + record.column);
        side = std::max<int64_t>(side, std::max(record.row, record.column) + 1);
      });
      side = std::max<int64_t>(side, group->side);
    }
    next = start + side;
  }
  return positions;
}

}  // namespace vtok
