// How far what mode=incremental sent ahead is from the group's exact tokens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <span>

#include "models/tokens.h"

namespace vtok {

/// A token's distance is 1 minus the cosine to the most similar token sent ahead, by their first levels; 1
/// where none was sent. 0: what was sent ahead points exactly where the group does.
struct Drift {
  int64_t exact = 0,
          ahead = 0;     // tokens of the closed groups; tokens sent ahead of them, of which some join later
  double distances = 0;  // sum over the exact tokens
  double most = 0;       // the greatest of them
  double mean() const { return exact ? distances / double(exact) : 0; }
  /// One closed group: its exact tokens and what had been sent ahead of them. Of one width, finite.
  void add(const Tokens &group, std::span<const Tokens> sent);
};

}  // namespace vtok
