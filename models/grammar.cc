// Grammars and the places in them: Thompson's construction, states taken together as they are met.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/grammar.h"

#include <algorithm>
#include <deque>

#include "models/error.h"

namespace vtok {

int Grammar::add() {
  if (states_.size() >= size_t(kMostStates))
    throw CannotBeMet("what the answer may be has more than " + std::to_string(kMostStates) +
                             " states: use fewer or shorter fields");
  states_.emplace_back();
  return int(states_.size()) - 1;
}

int Grammar::bytes(int from, uint8_t low, uint8_t high) {
  const int to = add();
  states_[size_t(from)].edges.push_back({low, high, to});
  return to;
}

int Grammar::text(int from, std::string_view bytes) {
  for (const char byte : bytes) from = this->bytes(from, uint8_t(byte), uint8_t(byte));
  return from;
}

// Shortest ways to the end, by edges turned round: an edge is one byte, a skip none.
void Grammar::finish(int last) {
  last_ = last;
  std::vector<std::vector<std::pair<int, int>>> before(states_.size());  // from, bytes
  for (size_t i = 0; i < states_.size(); ++i) {
    for (const Edge &edge : states_[i].edges) before[size_t(edge.to)].emplace_back(int(i), 1);
    for (const int to : states_[i].skips) before[size_t(to)].emplace_back(int(i), 0);
  }
  std::deque<std::pair<int, int>> next{{last, 0}};
  while (!next.empty()) {
    const auto [state, left] = next.front();
    next.pop_front();
    int &known = states_[size_t(state)].left;
    if (known >= 0) continue;
    known = left;
    for (const auto &[from, cost] : before[size_t(state)])
      cost ? next.emplace_back(from, left + 1) : next.emplace_front(from, left);
  }
}

Grammar choices_grammar(const std::vector<std::string> &choices) {
  Grammar grammar;
  grammar.finish(grammar.one_of(grammar.start(), choices.size(),
                                [&](size_t i, int from) { return grammar.text(from, choices[i]); }));
  return grammar;
}

GrammarState::GrammarState(Grammar grammar) : grammar_(std::move(grammar)) { place({grammar_.start()}); }

int GrammarState::place(std::vector<int> states) {
  std::vector<bool> in(grammar_.states_.size());
  for (const int state : states) in[size_t(state)] = true;
  for (size_t i = 0; i < states.size(); ++i)
    for (const int to : grammar_.states_[size_t(states[i])].skips)
      if (!in[size_t(to)]) {
        in[size_t(to)] = true;
        states.push_back(to);
      }
  std::erase_if(states, [&](int state) { return grammar_.states_[size_t(state)].left < 0; });
  if (states.empty()) return kNowhere;
  std::sort(states.begin(), states.end());
  const auto [known, fresh] = known_.emplace(states, int(places_.size()));
  if (!fresh) return known->second;
  if (places_.size() >= kMostPlaces) throw CannotBeMet("the schema is too intricate to be kept to");
  Place place{std::move(states), {}, INT32_MAX};
  place.next.fill(kUnknown);
  for (const int state : place.states)
    place.left = std::min(place.left, grammar_.states_[size_t(state)].left);
  places_.push_back(std::move(place));
  return known->second;
}

int GrammarState::after(int from, uint8_t byte) {
  if (const int known = places_[size_t(from)].next[byte]; known != kUnknown) return known;
  std::vector<int> to;
  for (const int state : places_[size_t(from)].states)
    for (const Grammar::Edge &edge : grammar_.states_[size_t(state)].edges)
      if (byte >= edge.low && byte <= edge.high && std::find(to.begin(), to.end(), edge.to) == to.end())
        to.push_back(edge.to);
  const int next = to.empty() ? kNowhere : place(std::move(to));
  return places_[size_t(from)].next[byte] = next;
}

int GrammarState::after(int from, std::string_view bytes) {
  for (size_t i = 0; i < bytes.size() && from != kNowhere; ++i) from = after(from, uint8_t(bytes[i]));
  return from;
}

bool GrammarState::more(int at) {
  const auto &states = places_[size_t(at)].states;
  return std::any_of(states.begin(), states.end(),
                     [&](int state) { return !grammar_.states_[size_t(state)].edges.empty(); });
}

}  // namespace vtok
