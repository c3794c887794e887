// A Hugging Face checkpoint folder, opened and checked but not loaded: configuration, tensors mapped into memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/safetensors.h"
#include "models/tokenizer.h"

namespace vtok {

struct Checkpoint {
  std::string folder;               // real path
  std::string family;               // config.json's model_type
  nlohmann::json config;            // config.json, with 4.x names brought to today's (dtype, rope_parameters)
  nlohmann::json video_processor;   // resample, size, image_mean, image_std, ... wherever the folder keeps them
  nlohmann::json generation;        // generation_config.json, or empty
  std::string chat_template;        // Jinja source
  nlohmann::json special_tokens;    // bos_token, eos_token, ... : their texts, as chat templates name them
  std::string program;              // of an exported encoder (families/exported.h): its SHA-256; else empty
  Safetensors tensors;              // every shard, under today's names (Family::renames)
  std::shared_ptr<const Tokenizer> tokenizer;
};

/// Opens a folder (of Hugging Face, or with an exported encoder), or the shipped model where `model` is "tiny" (found beside the plugin, built or installed).
/// Shared per process by real path while someone holds it. Throws std::runtime_error with one sentence naming the file,
/// what was found and what was expected.
std::shared_ptr<const Checkpoint> open_checkpoint(const std::string &model);

}  // namespace vtok
