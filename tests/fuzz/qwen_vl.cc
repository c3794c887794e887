// Feeds the typed configuration of the Qwen-VL families: config, video_processor and generation in one object.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/qwen_vl.h"

#include <stdexcept>

#include "models/error.h"
#include "models/json.h"
#include "models/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  vtok::Checkpoint checkpoint;
  try {
    const auto all = vtok::parse_json({reinterpret_cast<const char *>(data), size}, "input");
    const auto part = [&](const char *key) {
      return all.is_object() && all.contains(key) ? all[key] : nlohmann::json::object();
    };
    checkpoint.config = part("config");
    checkpoint.video_processor = part("video_processor");
    checkpoint.generation = part("generation");
  } catch (const std::runtime_error &) {
    return 0;
  }
  for (const char *family : {"qwen2_vl", "qwen2_5_vl", "qwen3_vl"}) try {
      checkpoint.family = family;
      const vtok::QwenVlConfig config = vtok::read_qwen_vl(checkpoint);
      vtok::text_tensors(config.text);
      for (const auto &[width, height] : {std::pair{1920, 1080}, {1, 1}, {1, 200}, {65535, 400}, {3, 601}}) try {
          const vtok::FrameSize made = vtok::resized(config, width, height);
          if (made.width < 1 || made.height < 1) __builtin_trap();
        } catch (const vtok::BadTokens &) {
        }
    } catch (const std::runtime_error &) {  // the only kind it may throw
    }
  return 0;
}
