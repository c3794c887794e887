// Opens the model that an element's properties name.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/model.h"

#include <filesystem>

#include "gst/guarded.h"

namespace vtok {

Choices ModelSettings::types() {
  static const Choice rows[] = {{"auto", "What the device is good at"},
                                {"float32", "32-bit floating point"},
                                {"bfloat16", "bfloat16"},
                                {"float16", "16-bit floating point"}};
  static_assert(int(DType::kFloat32) == 1 && int(DType::kBfloat16) == 2 && int(DType::kFloat16) == 3);
  return {choice_type("GstVtokDType", rows)};
}

std::shared_ptr<const Checkpoint> open_model(const ModelSettings &settings) {
  std::error_code error;
  if (settings.model != "tiny" && !std::filesystem::exists(settings.model, error))
    throw ElementError(not_found(), "no model folder '" + settings.model + "'");
  return checked(settings_failure(), [&] { return open_checkpoint(settings.model); });
}

}  // namespace vtok
