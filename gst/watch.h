// Standing questions: asked again and again, and told of only when the answer changes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtok {

/// One line of the property watch=: "NAME | QUESTION" or "NAME | QUESTION | SETTING=VALUE …".
struct Watch {
  std::string name, question;                     // valid UTF-8, not blank
  std::vector<std::string> choices{"yes", "no"};  // choices=A,B,…: what may be answered
  std::string when = "yes";                       // when=A: the answer that is watched for; the first choice
  double threshold = 0.5;                         // threshold=P: how likely it must be
  double hysteresis = 0.1;                        // hysteresis=P: by how much less likely it must be to end
  int64_t cooldown = 0;  // cooldown=SECONDS: from an end to the next begin, at least; ns
};

/// Throws std::invalid_argument with one sentence naming the line.
std::vector<Watch> parse_watches(const std::string &property);

/// Whether a standing question's condition holds.
class Alarm {
  double begins_ = 0, ends_ = 0;
  int64_t cooldown_ = 0, ended_ = INT64_MIN;  // running time of the last end, ns
  bool active_ = false;

 public:
  explicit Alarm(const Watch &watch)
      : begins_(watch.threshold), ends_(watch.threshold - watch.hysteresis), cooldown_(watch.cooldown) {}
  bool active() const { return active_; }
  /// The answer is so likely at running time `at`: true where that begins or ends an alert.
  bool see(double probability, int64_t at);
};

}  // namespace vtok
