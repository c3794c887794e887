// The table of temporal methods.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/temporal.h"

namespace vtok {

std::unique_ptr<Temporal> make_temporal_none(const CompressorSettings &);
std::unique_ptr<Temporal> make_temporal_random(const CompressorSettings &);
std::unique_ptr<Temporal> make_temporal_scc(const CompressorSettings &);
std::unique_ptr<Temporal> make_temporal_uniform(const CompressorSettings &);

std::span<const TemporalMethod> temporal_methods() {
  static constexpr TemporalMethod kMethods[] = {
      {"none", "keeps every token, in the order of frames", false, make_temporal_none},
      {"scc", "joins connected components across frames, then merges the group's source tokens into them",
       true, make_temporal_scc},
      {"random", "tokens drawn at random: a baseline", false, make_temporal_random},
      {"uniform", "tokens at equal distances: a baseline", false, make_temporal_uniform},
  };
  return kMethods;
}

}  // namespace vtok
