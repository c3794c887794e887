// What an answer may be: byte strings, told by a machine that is fed byte by byte.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vtok {

/// Built from its start on: each function takes the state it goes on from and returns the one behind what it
/// added. Only what ends is told: from every state the end can be reached.
class Grammar {
 public:
  static constexpr int kMostStates = 100000;
  struct Edge {
    uint8_t low, high;  // bytes, both included
    int to;
  };

  Grammar() { add(); }
  int start() const { return 0; }
  int text(int from, std::string_view bytes);
  int bytes(int from, uint8_t low, uint8_t high);
  /// One of several ways, each made by `way(i, from)`; joined behind them.
  template <class Way>
  int one_of(int from, size_t ways, Way &&way) {
    const int end = add();
    for (size_t i = 0; i < ways; ++i) skip(way(i, from), end);
    return end;
  }
  /// `once` from `least` to `most` times.
  template <class Once>
  int repeat(int from, int least, int most, Once &&once) {
    const int end = add();
    for (int i = 0; i < most; ++i) {
      if (i >= least) skip(from, end);
      from = once(from);
    }
    skip(from, end);
    return end;
  }
  /// No more is added: what leads to `last` is the language.
  void finish(int last);

 private:
  friend class GrammarState;
  struct State {
    std::vector<Edge> edges;
    std::vector<int> skips;  // for nothing
    int left = -1;           // bytes to the end, at least; -1: not known yet
  };
  int add();  // throws CannotBeMet where there are too many
  void skip(int from, int to) { states_[size_t(from)].skips.push_back(to); }

  std::vector<State> states_;
  int last_ = -1;
};

/// Every text of `choices`.
Grammar choices_grammar(const std::vector<std::string> &choices);

/// What a JSON schema allows, written as Python's json.dumps does, properties in alphabetical order, all of
/// them. Known are type (object, array, string, integer, number, boolean, null), properties, required,
/// additionalProperties, items, minItems, maxItems (8 where it is not given), maxLength (64; 1024 at most),
/// minLength, minimum and maximum of integers, enum, const, anyOf. Throws CannotBeMet with one
/// sentence naming what is not known or cannot be met.
Grammar schema_grammar(const std::string &schema);

/// Where in a grammar some bytes have led to. Remembers every place it was asked about: for one thread.
class GrammarState {
  struct Place {
    std::vector<int> states;
    std::array<int, 256> next;  // kUnknown, kNowhere or a place
    int left;                   // bytes to the end, at least
  };
  static constexpr int kUnknown = -2;
  static constexpr size_t kMostPlaces = 30000;  // of about 1 KB
  const Grammar grammar_;
  std::vector<Place> places_;
  std::map<std::vector<int>, int> known_;

  int place(std::vector<int> states);

 public:
  static constexpr int kNowhere = -1;
  explicit GrammarState(Grammar grammar);
  int start() const { return 0; }
  int after(int place, uint8_t byte);  // kNowhere: no text goes on like this
  int after(int place, std::string_view bytes);
  int left(int place) const {
    return places_[size_t(place)].left;
  }                      // bytes to the end, at least; 0: it may end here
  bool more(int place);  // it may go on here
};

}  // namespace vtok
