// How a token's text becomes text again, as tokenizer.json's decoder says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vtok {

struct TokenDecoder {
  bool byte_level = false;  // texts are bytes in GPT-2's table; nothing below holds
  std::vector<std::pair<std::string, std::string>> replacements;  // in every token, in order
  bool byte_fallback = false;                                     // "<0xE2>" is a byte
  std::string stripped;          // a character left out at the text's start ...
  int strips = 0;                // ... up to so many times
  std::string dropped_in_first;  // a character left out of the first token

  TokenDecoder() = default;
  /// Throws std::runtime_error naming what it does not know.
  TokenDecoder(const nlohmann::json &description, const std::string &name);
  std::string replaced(std::string_view token) const;
  /// The byte that a token such as "<0xE2>" stands for; -1: none.
  int byte_of(std::string_view token) const;
};

/// A text's tokens one by one, where their texts depend on their neighbours. A run of byte tokens is held
/// until it ends: bytes that together are no UTF-8 become U+FFFD, one each.
class DecoderStream {
  const TokenDecoder &decoder_;
  std::string run_;  // bytes held
  int strips_left_;
  bool first_ = true;

  std::string stripped(std::string text);

 public:
  explicit DecoderStream(const TokenDecoder &decoder) : decoder_(decoder), strips_left_(decoder.strips) {}
  std::string push(std::string_view token);
  std::string finish();
};

}  // namespace vtok
