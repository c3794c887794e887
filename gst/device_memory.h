// Tokens on a device as a GstMemory, which our elements pass on as they are and everybody else maps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include "models/tokens.h"

namespace vtok {

/// Of the numbers of device tokens, read only. Whoever maps it gets a copy in host memory, made for the first
/// who asks; who maps it with GST_MAP_CUDA the address on the device. Both wait for the work that writes the
/// tokens.
GstMemory *wrap_device(const Tokens &tokens);

/// The tokens inside, without records, for as long as the memory lives; null: it is memory of another kind.
const Tokens *device_tokens(GstMemory *memory);

}  // namespace vtok
