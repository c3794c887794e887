// Feeds the safetensors reader; every view it gives must lie inside the file.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/safetensors.h"

#include <cstdlib>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::span file(reinterpret_cast<const std::byte *>(data), size);
  try {
    for (const auto &[name, view] : vtok::parse_safetensors(file, "input"))
      if (!view.data.empty() &&
          (view.data.data() < file.data() || view.data.data() + view.data.size() > file.data() + size))
        std::abort();
  } catch (const std::runtime_error &) {  // the only kind it may throw
  }
  return 0;
}
