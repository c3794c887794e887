// What templates do with strings, as Python does it, character by character.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utf8proc.h>

#include <algorithm>

#include "models/template/builtins.h"
#include "models/tokenizer/utf8.h"

namespace vtok::jinja {
namespace {

char32_t code_of(std::string_view character) { return next_utf8(character).code; }

std::string mapped(const std::string &text, utf8proc_int32_t (*map)(utf8proc_int32_t)) {
  std::string out;
  for (const auto &character : characters(text))
    append_utf8(out, char32_t(map(utf8proc_int32_t(code_of(character)))));
  return out;
}

bool letter(char32_t code) {
  const auto category = utf8proc_category(utf8proc_int32_t(code));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool python_space(char32_t code) { return white_space(code) || (code >= 0x1C && code <= 0x1F); }

}  // namespace

std::string upper(const std::string &text) { return mapped(text, utf8proc_toupper); }
std::string lower(const std::string &text) { return mapped(text, utf8proc_tolower); }

std::string title(const std::string &text) {
  std::string out;
  bool inside = false;  // a word
  for (const auto &character : characters(text)) {
    const char32_t code = code_of(character);
    append_utf8(out, char32_t(inside ? utf8proc_tolower(utf8proc_int32_t(code))
                                     : utf8proc_totitle(utf8proc_int32_t(code))));
    inside = letter(code);
  }
  return out;
}

std::string capitalized(const std::string &text) {
  if (text.empty()) return text;
  const auto first = size_t(next_utf8(text).bytes);
  return title(text.substr(0, first)) + lower(text.substr(first));
}

std::string stripped(const std::string &text, const Value *which, bool left, bool right) {
  const auto goes = [&](const std::string &character) {
    if (!which || which->is_none()) return python_space(code_of(character));
    return which->string().find(character) != std::string::npos;
  };
  const auto all = characters(text);
  size_t begin = 0, end = all.size();
  while (left && begin < end && goes(all[begin])) ++begin;
  while (right && end > begin && goes(all[end - 1])) --end;
  std::string out;
  for (size_t i = begin; i < end; ++i) out += all[i];
  return out;
}

std::string replaced(const std::string &text, const std::string &from, const std::string &to, int64_t count,
                     Budget &budget) {
  std::string out;
  size_t at = 0;
  if (from.empty()) {  // Python puts it between all characters
    for (const auto &character : characters(text)) {
      if (count != 0) out += to, --count;
      out += character;
      budget.spend(16 + to.size());
    }
    return count != 0 ? out + to : out;
  }
  for (size_t found; count != 0 && (found = text.find(from, at)) != std::string::npos; --count) {
    budget.spend(16 + found - at + to.size());
    out += text.substr(at, found - at) + to;
    at = found + from.size();
  }
  return out + text.substr(at);
}

}  // namespace vtok::jinja
