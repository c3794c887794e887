// Pairs of questions and answers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/conversation.h"

#include <utility>

namespace vtok {

void Conversation::add(uint64_t number, std::string question, std::string answer, size_t most) {
  pairs_.push_back({number, std::move(question), std::move(answer)});
  while (pairs_.size() > most) pairs_.pop_front();
}

std::vector<Turn> Conversation::last(uint64_t number, size_t most, size_t bytes) const {
  auto first = pairs_.end();
  while (first != pairs_.begin() && size_t(pairs_.end() - first) < most) {
    const Pair &before = *(first - 1);
    const size_t size = before.question.size() + before.answer.size();
    if (before.number != number || size > bytes) break;
    bytes -= size;
    --first;
  }
  std::vector<Turn> turns;
  for (; first != pairs_.end(); ++first) {
    turns.push_back({false, first->question});
    turns.push_back({true, first->answer});
  }
  return turns;
}

}  // namespace vtok
