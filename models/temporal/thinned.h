// Temporal methods that keep some of a group's tokens and drop the rest; which is all that they differ in.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>
#include <utility>

#include "models/subset.h"
#include "models/temporal.h"

namespace vtok {

std::unique_ptr<Temporal> make_temporal_none(const CompressorSettings &);

/// Pick: (n, keep) -> the ascending indices to keep, `keep` of them. Incremental: each frame's tokens are
/// thinned as they come, within the group's budget; the group that closes is thinned as a whole.
template <class Pick>
class Thinned : public Temporal {
  Budget budget;
  Pick pick, pick_ahead;  // what is sent ahead does not change what the group becomes
  const std::unique_ptr<Temporal> all;
  OwnStream own_stream;
  int64_t source = 0;   // the encoder's tokens in the open group
  int64_t emitted = 0;  // tokens sent ahead

  Tokens thin(const Tokens &tokens, int64_t keep, Pick &choose) {
    if (keep >= tokens.n) return tokens;
    return subset(tokens, choose(tokens.n, int(keep)), own_stream.on(tokens));
  }

 public:
  Thinned(const CompressorSettings &s, const Pick &p)
      : budget(s.budget), pick(p), pick_ahead(p), all(make_temporal_none(s)) {}

  Tokens add(const TemporalInput &frame) override {
    const Tokens fresh = all->add(frame);
    source += frame.source;
    if (fresh.n == 0) return fresh;
    Tokens out = thin(fresh, std::max<int64_t>(0, budget.keep(source, INT32_MAX) - emitted), pick_ahead);
    emitted += out.n;
    return out;
  }

  void set_budget(const Budget &wanted) override { budget = wanted; }

  Tokens close() override {
    const int64_t keep = budget.keep(std::exchange(source, 0), INT32_MAX);
    emitted = 0;
    return thin(all->close(), keep, pick);
  }

  void reset() override {
    all->reset();
    source = emitted = 0;
  }
};

}  // namespace vtok
