// A regular expression of tokenizer.json, run by PCRE2 with Unicode classes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace vtok {
namespace {

/// tokenizer.json is written for Oniguruma, whose \s also has U+0085 (next line), as Unicode's White_Space
/// does. Throws for what the two engines read differently.
std::string for_pcre2(const std::string &pattern, const std::string &name) {
  std::string out;
  bool inside = false;  // a character class
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's')
        out += inside ? "\\s\\x{85}" : "[\\s\\x{85}]";
      else if (next == 'S' && !inside)
        out += "[^\\s\\x{85}]";
      else
        (out += c) += next;
      continue;
    }
    if (c == '[' && inside) {
      const size_t end = pattern.compare(i, 2, "[:") == 0 ? pattern.find(":]", i + 2) : std::string::npos;
      if (end == std::string::npos)
        throw std::runtime_error(name + ": nested character classes are not supported (pattern '" + pattern +
                                 "')");
      out += pattern.substr(i, end + 2 - i);  // [:alpha:]
      i = end + 1;
      continue;
    }
    if (inside && pattern.compare(i, 2, "&&") == 0)
      throw std::runtime_error(name + ": class intersections are not supported (pattern '" + pattern + "')");
    if (c == '[' || c == ']') inside = c == '[';
    out += c;
  }
  return out;
}

struct MatchData {
  pcre2_match_data *data;
  explicit MatchData(const pcre2_code *code) : data(pcre2_match_data_create_from_pattern(code, nullptr)) {}
  ~MatchData() { pcre2_match_data_free(data); }
  MatchData(const MatchData &) = delete;
};

}  // namespace

struct Regex::Code {
  pcre2_code *code;
  std::string pattern, name;
  ~Code() { pcre2_code_free(code); }
};

Regex::Regex(const std::string &pattern, const std::string &name) {
  const std::string translated = for_pcre2(pattern, name);
  int error = 0;
  PCRE2_SIZE place = 0;
  pcre2_code *code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &place, nullptr);
  if (!code) {
    char text[256] = "";
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR *>(text), sizeof text);
    throw std::runtime_error(name + ": the pattern '" + pattern + "' is not one we can run: " + text);
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it fails, the interpreter runs
  code_.reset(new Code{code, pattern, name});
}

std::optional<std::pair<size_t, size_t>> Regex::find(std::string_view text, size_t from) const {
  const MatchData match(code_->code);
  uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
  const auto run = [&] {
    return pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, options,
                       match.data, nullptr);
  };
  int found = run();
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    options |= PCRE2_NO_JIT;
    found = run();
  }
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (found < 0)
    throw std::runtime_error(code_->name + ": the pattern '" + code_->pattern +
                             "' needs too many steps on this text");
  const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match.data);
  return std::pair{size_t(ends[0]), size_t(ends[1])};
}

Regex Regex::of_text(const std::string &text, const std::string &name) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}#-").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return Regex(pattern, name);
}

Regex pattern_of(const nlohmann::json &step, const std::string &name) {
  const auto pattern = step.find("pattern");
  for (const auto &[key, quoted] : {std::pair{"Regex", false}, std::pair{"String", true}}) {
    if (pattern == step.end() || !pattern->is_object() || !pattern->contains(key) ||
        !(*pattern)[key].is_string())
      continue;
    const auto source = (*pattern)[key].get<std::string>();
    return quoted ? Regex::of_text(source, name) : Regex(source, name);
  }
  throw std::runtime_error(name + ": " + step.value("type", "a step") +
                           " has no pattern, expected {\"Regex\": ...} or {\"String\": ...}");
}

}  // namespace vtok
