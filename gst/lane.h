// Keeps what several questions' answers tell in the order in which the questions came.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <utility>
#include <vector>

namespace vtok {

/// The first question tells at once; what the others have to tell waits until those before them are over.
class Lane {
  struct Turn {
    uint64_t id;
    bool over;
    std::vector<std::function<void()>> held;
  };
  std::list<Turn> turns_;

 public:
  void enter(uint64_t id) { turns_.push_back({id, false, {}}); }
  /// A question that never entered tells at once.
  void tell(uint64_t id, std::function<void()> what, bool over = false) {
    auto turn = turns_.begin();
    while (turn != turns_.end() && turn->id != id) ++turn;
    if (turn == turns_.end()) return what();
    turn->over = over;
    turn->held.push_back(std::move(what));
    while (!turns_.empty()) {
      for (const auto &one : std::exchange(turns_.front().held, {})) one();
      if (!turns_.front().over) return;
      turns_.pop_front();
    }
  }
  void clear() { turns_.clear(); }
};

}  // namespace vtok
