// Splits a text into the words that byte-pair encoding works on, as tokenizer.json's pre_tokenizer says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace vtok {

/// Views of the text, or of `owned` where a step put in a character.
struct Words {
  std::vector<std::string_view> words;
  std::deque<std::string> owned;
  bool at_start = false;  // the first word begins the text that was given to encode
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Replaces every word by its parts, none of them empty. Words are valid UTF-8.
  virtual void split(Words &words) const = 0;
};

struct PreTokenizers {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  bool byte_level = false;  // words are then read byte by byte, else character by character
};
/// Throws std::runtime_error naming an unknown step, or one that follows ByteLevel.
PreTokenizers make_pre_tokenizers(const nlohmann::json &description, const std::string &name);

}  // namespace vtok
