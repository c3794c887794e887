// Feeds encoder.json, which stands beside an exported encoder.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/exported.h"

#include <stdexcept>

#include "models/family.h"
#include "models/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    vtok::Checkpoint checkpoint;
    checkpoint.family = vtok::kExported;
    checkpoint.folder = "/folder";
    checkpoint.config = vtok::parse_json({reinterpret_cast<const char *>(data), size}, "input");
    const vtok::EncoderInfo info = vtok::describe_encoder(checkpoint);
    if (info.grid_width < 1 || info.grid_height < 1 || info.hidden_size < 1 ||
        info.space.find('@') == std::string::npos)
      __builtin_trap();
    const std::string program = vtok::read_exported(checkpoint).program.substr(checkpoint.folder.size() + 1);
    if (program.empty() || program.find('/') != std::string::npos)
      __builtin_trap();                   // it leads out of the folder
  } catch (const std::runtime_error &) {  // the only kind it may throw
  }
  return 0;
}
