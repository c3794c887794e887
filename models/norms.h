// What tokens are compared by: their first level and its lengths; what is not finite is refused here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include "models/device_tokens.h"

namespace vtok {

/// Of float32 tokens [n, dim] on the stream's device, within a Use, row by row: [n] there. Waits for the
/// stream: throws BadTokens naming the first token that holds NaN or infinity, and where dim < 1.
Array<float> finite_norms(const Tokens &tokens, Stream &stream);

/// The same check of tokens of any type, for who needs no norms. The stream is one of the device they lie on.
void check_finite(const Tokens &tokens, const std::shared_ptr<Stream> &stream);

struct Keys {
  Tokens level;        // float32 [n, dim / levels]
  Array<float> norms;  // [n]
  const float *rows() const { return static_cast<const float *>(level.data.get()); }
  int dim() const { return level.dim; }
};
/// Of float32 tokens as in finite_norms(), for work of that stream; shares their numbers where they have one
/// level. Throws BadTokens as finite_norms() does, of every level.
Keys keys_of(const Tokens &tokens, const std::shared_ptr<Stream> &stream);

}  // namespace vtok
