// Keeping some of the tokens, dropping the rest: `uniform` and `random`, the baselines to beat.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <random>
#include <vector>

#include "models/device_tokens.h"

namespace vtok {

/// `keep` of the indices 0 … n − 1, ascending: the middles of `keep` equal stretches. 1 <= keep <= n.
std::vector<int> evenly_spaced(int n, int keep);
/// The same number, each set equally likely (partial Fisher–Yates).
std::vector<int> at_random(int n, int keep, std::mt19937_64 &random);

/// Those rows with their records (there may be none). A kept token also stands for the dropped ones after it,
/// the first for those before it too, so the sum of the weights stays. The tokens lie on the stream's device.
Tokens subset(const Tokens &tokens, const std::vector<int> &rows, const std::shared_ptr<Stream> &stream);

}  // namespace vtok
