// UTF-8: whole characters out of bytes, and what to do where there is none.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/utf8.h"

#include "models/tokenizer.h"

namespace vtok {

Utf8Step next_utf8(std::string_view text) {
  if (text.empty()) return {};
  const auto first = uint8_t(text[0]);
  if (first < 0x80) return {1, first, true, false};
  // The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF.
  int length;
  uint8_t low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {1, 0xFFFD, false, false};
  }
  char32_t code = first & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    if (size_t(i) == text.size()) return {i, 0xFFFD, false, true};
    const auto byte = uint8_t(text[size_t(i)]);
    if (byte < low || byte > high) return {i, 0xFFFD, false, false};
    code = (code << 6) | (byte & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {length, code, true, false};
}

bool white_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto step = next_utf8(text);
    if (!step.valid) return false;
    text.remove_prefix(size_t(step.bytes));
  }
  return true;
}

std::string repaired_utf8(std::string_view text) {
  Utf8Stream stream;
  std::string whole = stream.push(text);
  return whole + stream.finish();
}

void append_utf8(std::string &text, char32_t code) {
  if (code < 0x80) {
    text += char(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  text += char((0xFF00 >> (more + 1)) | (code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += char(0x80 | ((code >> (6 * i)) & 0x3F));
}

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  std::string_view rest = pending_;
  std::string whole;
  while (!rest.empty()) {
    const auto step = next_utf8(rest);
    if (step.cut) break;
    if (step.valid)
      whole.append(rest.substr(0, size_t(step.bytes)));
    else
      append_utf8(whole, 0xFFFD);
    rest.remove_prefix(size_t(step.bytes));
  }
  pending_ = std::string(rest);
  return whole;
}

std::string Utf8Stream::finish() {
  std::string left;
  if (!pending_.empty()) append_utf8(left, 0xFFFD);  // what is pending is the start of one character
  pending_.clear();
  return left;
}

}  // namespace vtok
