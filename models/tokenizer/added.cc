// Added tokens: texts such as "<|im_end|>" that are one token wherever they stand.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/added.h"

#include <utf8proc.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "models/tokenizer/utf8.h"

namespace vtok {
namespace {

bool word_character(char32_t c) {  // \w: letters, marks, digits, connectors, joiners
  switch (utf8proc_category(utf8proc_int32_t(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return c == 0x200C || c == 0x200D;
  }
}

/// The character that ends before byte `end`, and where it starts.
std::pair<char32_t, size_t> character_before(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin && (uint8_t(text[begin]) & 0xC0) == 0x80) --begin;
  return {next_utf8(text.substr(begin)).code, begin};
}

bool flag(const nlohmann::json &token, const char *key) { return token.contains(key) && token[key] == true; }

}  // namespace

std::vector<AddedToken> read_added_tokens(const nlohmann::json &tokens, const std::string &name) {
  std::vector<AddedToken> all;
  if (tokens.is_null()) return all;
  if (!tokens.is_array()) throw std::runtime_error(name + ": added_tokens is no array");
  for (const auto &token : tokens) {
    if (!token.is_object() || !token.contains("content") || !token["content"].is_string() ||
        !token.contains("id") || !token["id"].is_number_unsigned() || token["id"].get<uint64_t>() >= 1u << 24)
      throw std::runtime_error(name + ": an added token lacks its content or id");
    all.push_back({token["id"].get<int>(), token["content"].get<std::string>(), flag(token, "lstrip"),
                   flag(token, "rstrip"), flag(token, "single_word"), flag(token, "normalized"),
                   flag(token, "special")});
  }
  return all;
}

void AddedFinder::add(const AddedToken &token, std::string_view pattern) {
  if (pattern.empty()) return;
  int node = 0;
  for (const char c : pattern) {
    const auto [child, fresh] = children_.try_emplace(uint64_t(node) << 8 | uint8_t(c), int(ends_.size()));
    if (fresh) ends_.push_back(-1);
    node = child->second;
  }
  if (ends_[size_t(node)] >= 0) return;  // the first of two with one text
  ends_[size_t(node)] = int(tokens_.size());
  tokens_.push_back(token);
}

std::vector<Stretch> AddedFinder::split(std::string_view text) const {
  std::vector<Stretch> out;
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    int best = -1, node = 0;
    size_t end = at;
    for (size_t i = at; i < text.size(); ++i) {
      const auto child = children_.find(uint64_t(node) << 8 | uint8_t(text[i]));
      if (child == children_.end()) break;
      node = child->second;
      if (ends_[size_t(node)] < 0) continue;
      best = ends_[size_t(node)];
      end = i + 1;
    }
    if (best < 0) {
      ++at;
      continue;
    }
    const AddedToken &token = tokens_[size_t(best)];
    size_t from = at, to = end;
    at = end;
    if (token.single_word && ((from && word_character(character_before(text, from).first)) ||
                              (to < text.size() && word_character(next_utf8(text.substr(to)).code))))
      continue;
    while (token.lstrip && from > done) {
      const auto [character, begin] = character_before(text, from);
      if (!white_space(character)) break;
      from = begin;
    }
    while (token.rstrip && to < text.size()) {
      const auto step = next_utf8(text.substr(to));
      if (!white_space(step.code)) break;
      to += size_t(step.bytes);
    }
    from = std::max(from, done);
    if (from > done) out.push_back({text.substr(done, from - done)});
    out.push_back({text.substr(from, std::max(to, from) - from), token.id});
    done = std::max(to, from);
  }
  if (done < text.size()) out.push_back({text.substr(done)});
  return out;
}

}  // namespace vtok
