// Rate control: how many tokens the next group may have, so that a rate is held over time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <deque>

namespace vtok {

/// Groups differ in length and cannot always have as many tokens as they may: what is left over, or was spent too much (a group
/// has one token at least), is carried to the groups that follow. Over any minute the sum is off by no more than what is carried.
class Rate {
  static constexpr double kCarried = 10;  // seconds' worth, at most: after a quiet hour nobody spends an hour's tokens
  struct Span {
    double seconds;
    int64_t tokens;
  };
  double per_second_ = 0, carried_ = 0;  // tokens a second; tokens
  std::deque<Span> minute_;
  double seconds_ = 0;  // in minute_
  int64_t tokens_ = 0;

 public:
  double per_second() const { return per_second_; }
  /// Another target; what was carried is forgotten. 0: none.
  void set(double per_second);
  /// Tokens for a group that lasts `ns`, at least 1; 0: any number, there is no target.
  int budget(int64_t ns) const;
  /// A group has lasted `ns` and has `tokens`.
  void spend(int64_t ns, int64_t tokens);
  /// Tokens a second over the last minute, in whole groups; 0 before the first.
  double held() const { return seconds_ > 0 ? double(tokens_) / seconds_ : 0; }
};

}  // namespace vtok
