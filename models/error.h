// The errors callers tell apart; everything else is a std::runtime_error with one clear sentence.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <stdexcept>

namespace vtok {

/// Bad data in one buffer (NaN, wrong size): drop it, count it, go on.
struct BadTokens : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A question that this model cannot answer as it is put (choices, schema, length), whoever asks and whenever.
struct CannotBeMet : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Work given up because the caller asked for it.
struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("cancelled") {}
};

}  // namespace vtok
