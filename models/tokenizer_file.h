// tokenizer.json as Hugging Face reads it: with what tokenizer_config.json says over it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/tokenizer.h"

namespace vtok {

/// bos_token, eos_token, ... of tokenizer_config.json, which writes each as a text or as an object with its
/// content.
nlohmann::json read_special_tokens(const nlohmann::json &tokenizer_config);

/// `family`: config.json's model_type. Throws std::runtime_error naming the file, what was found and what was
/// expected.
std::shared_ptr<const Tokenizer> read_tokenizer(const std::filesystem::path &folder,
                                                const nlohmann::json &tokenizer_config,
                                                const std::string &family);

}  // namespace vtok
