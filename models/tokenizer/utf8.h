// UTF-8: whole characters out of bytes, and what to do where there is none.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vtok {

/// The start of `text`: a character of `bytes` bytes; or, where there is none, the longest start of one (at
/// least one byte), to be replaced by a single U+FFFD as the Unicode standard (3.9, table 3-8) recommends.
struct Utf8Step {
  int bytes = 0;           // 0 for an empty text
  char32_t code = 0xFFFD;  // the character
  bool valid = false;
  bool cut = false;  // not valid, but more bytes could make it so
};
Utf8Step next_utf8(std::string_view text);

bool white_space(char32_t code);  // Unicode's White_Space
bool valid_utf8(std::string_view text);
/// The same text with U+FFFD in place of what is no UTF-8.
std::string repaired_utf8(std::string_view text);
void append_utf8(std::string &text, char32_t code);

}  // namespace vtok
