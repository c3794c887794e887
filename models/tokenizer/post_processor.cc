// What stands around every text, as tokenizer.json's post_processor says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/post_processor.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace vtok {
namespace {

const nlohmann::json &part(const nlohmann::json &object, const char *key) {
  static const nlohmann::json kNull;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? kNull : *found;
}

std::string type_of(const nlohmann::json &step) {
  return step.is_object() && step.contains("type") ? step["type"].dump() : step.dump();
}

void read_template(const nlohmann::json &step, const std::string &name, Surroundings &frame) {
  const std::runtime_error wrong(
      name +
      ": post_processor TemplateProcessing is not the one text between special tokens "
      "that is expected");
  bool seen_text = false;
  const auto &single = part(step, "single"), &tokens = part(step, "special_tokens");
  if (!single.is_array() || !tokens.is_object()) throw wrong;
  for (const auto &piece : single) {
    if (piece.is_object() && piece.contains("Sequence")) {
      seen_text = true;
      continue;
    }
    const auto &id =
        piece.is_object() && piece.contains("SpecialToken") ? part(piece["SpecialToken"], "id") : piece;
    const auto token = id.is_string() ? tokens.find(id.get<std::string>()) : tokens.end();
    if (token == tokens.end() || !token->is_object() || !part(*token, "ids").is_array()) throw wrong;
    for (const auto &number : (*token)["ids"]) {
      if (!number.is_number_unsigned() || number.get<uint64_t>() > INT32_MAX) throw wrong;
      (seen_text ? frame.after : frame.before).push_back(number.get<int>());
    }
  }
}

void read_steps(const nlohmann::json &step, const std::string &name, Surroundings &frame) {
  const std::string type = type_of(step);
  if (step.is_null() || type == "\"ByteLevel\"") return;  // ByteLevel only moves offsets
  if (type == "\"Sequence\"" && part(step, "processors").is_array()) {
    for (const auto &inner : step["processors"]) read_steps(inner, name, frame);
  } else if (type == "\"TemplateProcessing\"") {
    read_template(step, name, frame);
  } else {
    throw std::runtime_error(name + ": post_processor " + type +
                             " is not supported; there are ByteLevel, TemplateProcessing and Sequence");
  }
}

}  // namespace

Surroundings read_post_processor(const nlohmann::json &description, const std::string &name) {
  Surroundings found;
  read_steps(description, name, found);
  return found;
}

}  // namespace vtok
