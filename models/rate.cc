// Tokens carried from group to group, and what the last minute had.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/rate.h"

#include <algorithm>
#include <cmath>

namespace vtok {

void Rate::set(double per_second) {
  per_second_ = per_second;
  carried_ = 0;
}

int Rate::budget(int64_t ns) const {
  if (per_second_ <= 0) return 0;
  return int(std::clamp(std::round(per_second_ * double(ns) / 1e9 + carried_), 1., double(INT32_MAX)));
}

void Rate::spend(int64_t ns, int64_t tokens) {
  const double seconds = double(ns) / 1e9, most = kCarried * per_second_;
  carried_ = std::clamp(carried_ + per_second_ * seconds - double(tokens), -most, most);
  minute_.push_back({seconds, tokens});
  seconds_ += seconds;
  tokens_ += tokens;
  while (minute_.size() > 1 && seconds_ - minute_.front().seconds >= 60) {
    seconds_ -= minute_.front().seconds;
    tokens_ -= minute_.front().tokens;
    minute_.pop_front();
  }
}

}  // namespace vtok
