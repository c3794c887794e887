// Feeds the typed configuration: config, video_processor and generation in one object.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/frame_model.h"

#include <stdexcept>

#include "models/json.h"
#include "models/tower.h"
#include "models/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const auto all = vtok::parse_json({reinterpret_cast<const char *>(data), size}, "input");
    vtok::Checkpoint checkpoint;
    const auto part = [&](const char *key) {
      return all.is_object() && all.contains(key) ? all[key] : nlohmann::json::object();
    };
    checkpoint.config = part("config");
    checkpoint.video_processor = part("video_processor");
    checkpoint.generation = part("generation");
    if (checkpoint.config.contains("model_type") && checkpoint.config["model_type"].is_string())
      checkpoint.family = checkpoint.config["model_type"];
    const auto config = vtok::frame_model(checkpoint);
    vtok::tower_tensors(config.vision);
    vtok::text_tensors(config.text);
  } catch (const std::runtime_error &) {  // the only kind it may throw
  }
  return 0;
}
