// The space: which tokens may meet. Tokens of one space mean the same to a language model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

#include "models/checkpoint.h"
#include "models/config.h"

namespace vtok {

/// "<model type>@<16 hex>": the start of SHA-256 over what makes the tokens: the vision settings used, the
/// processor's numbers, pooling, projector and newline tensors. Not over folder names, file layouts or the
/// language model, so that the same model saved twice is one space and a fine-tune of the language model
/// keeps it.
std::string space_of(const Checkpoint &checkpoint, const LlavaOnevisionConfig &config);

}  // namespace vtok
