// Reads JSON of unknown origin: bounded in size and depth, errors name the file and the place.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/json.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace vtok {
namespace {

/// Deepest nesting of brackets outside strings. The parser itself does not recurse, but what walks its result
/// does.
int depth_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string &name) {
  if (text.size() > kJsonBytes)
    throw std::runtime_error(name + " has " + std::to_string(text.size()) + " bytes, more than the " +
                             std::to_string(kJsonBytes) + " allowed");
  if (const int depth = depth_of(text); depth > kJsonDepth)
    throw std::runtime_error(name + " nests " + std::to_string(depth) + " levels deep, more than the " +
                             std::to_string(kJsonDepth) + " allowed");
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error &error) {
    throw std::runtime_error(name + " is not valid JSON (at byte " + std::to_string(error.byte) + " of " +
                             std::to_string(text.size()) + ")");
  } catch (const nlohmann::json::exception &) {
    throw std::runtime_error(name + " is not valid JSON (a number is out of range)");
  }
}

std::string read_text(const std::string &path, size_t limit) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) throw std::runtime_error("there is no file " + path);
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) throw std::runtime_error(path + " cannot be read: " + failed.message());
  if (size > limit)
    throw std::runtime_error(path + " has " + std::to_string(size) + " bytes, more than the " +
                             std::to_string(limit) + " allowed");
  std::ifstream file(path, std::ios::binary);
  std::string text(size, '\0');
  if (!file.read(text.data(), std::streamsize(size))) throw std::runtime_error(path + " cannot be read");
  return text;
}

nlohmann::json read_json_object(const std::string &path) {
  nlohmann::json value = parse_json(read_text(path), path);
  if (!value.is_object())
    throw std::runtime_error(path + " holds " + std::string(value.type_name()) + ", expected an object");
  return value;
}

}  // namespace vtok
