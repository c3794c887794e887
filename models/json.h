// Reads JSON of unknown origin: bounded in size and depth, errors name the file and the place.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace vtok {

inline constexpr int kJsonDepth = 64;             // far above any checkpoint's; keeps recursion harmless
inline constexpr size_t kJsonBytes = 256u << 20;  // the largest tokenizer.json in use has about 35 MB

/// Parses one document. `name` is what errors call it. Throws std::runtime_error with one sentence.
nlohmann::json parse_json(std::string_view text, const std::string &name);
/// A whole file as text. Throws std::runtime_error where it is absent, unreadable or larger than `limit`
/// bytes.
std::string read_text(const std::string &path, size_t limit = kJsonBytes);
/// read_text() and parse_json(); the document must be an object.
nlohmann::json read_json_object(const std::string &path);

}  // namespace vtok
