// What was asked and answered before, as it stands in front of the next question.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "models/llm.h"

namespace vtok {

/// Pairs of a question and its answer, each of a numbered conversation; for one thread.
class Conversation {
  struct Pair {
    uint64_t number;
    std::string question, answer;
  };
  std::deque<Pair> pairs_;  // oldest first

 public:
  /// Keeps the last `most` pairs.
  void add(uint64_t number, std::string question, std::string answer, size_t most);
  /// The last pairs of conversation `number`, oldest first: at most `most` of them, and of those the newest
  /// whose texts have no more than `bytes`. A question first.
  std::vector<Turn> last(uint64_t number, size_t most, size_t bytes) const;
  void clear() { pairs_.clear(); }
};

}  // namespace vtok
