// Feeds a checkpoint folder: an object of its files, of which any may be missing or wrong.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/checkpoint.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "models/encoder.h"
#include "models/json.h"
#include "models/llm.h"

// Only names that a checkpoint has are written, so that no input writes elsewhere.
static constexpr const char *kFiles[] = {
    "config.json",         "preprocessor_config.json",     "video_preprocessor_config.json",
    "tokenizer.json",      "processor_config.json",        "generation_config.json",
    "chat_template.jinja", "chat_template.json",           "tokenizer_config.json",
    "model.safetensors",   "model.safetensors.index.json", "model-00001-of-00001.safetensors",
    "encoder.json",        "encoder.pt"};

static const std::filesystem::path &folder() {
  static const std::filesystem::path made = [] {
    const bool memory = std::filesystem::is_directory("/dev/shm");
    std::string pattern = memory ? "/dev/shm/vtok-XXXXXX" : "/tmp/vtok-XXXXXX";
    if (!mkdtemp(pattern.data())) std::abort();
    std::atexit([] { std::filesystem::remove_all(folder()); });
    return std::filesystem::path(pattern);
  }();
  return made;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const auto files = vtok::parse_json({reinterpret_cast<const char *>(data), size}, "input");
    if (!files.is_object()) return 0;
    for (const char *name : kFiles) {
      const auto found = files.find(name);
      std::filesystem::remove(folder() / name);
      if (found == files.end()) continue;
      std::ofstream(folder() / name, std::ios::binary)
          << (found->is_string() ? found->get<std::string>()
                                 : found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    const auto checkpoint = vtok::open_checkpoint(folder().string());
    vtok::describe_encoder(*checkpoint);
    vtok::check_llm(*checkpoint);
  } catch (const std::runtime_error &) {  // the only kind it may throw
  }
  return 0;
}
