// Splits a text into the words that byte-pair encoding works on, as tokenizer.json's pre_tokenizer says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/pretokenizer.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "models/tokenizer/regex.h"

namespace vtok {
namespace {

struct Part {
  size_t begin, end;
  bool match;
};

/// What becomes of matches and of what lies between them; each gets the parts in order.
void isolated(std::vector<Part> &) {}
void removed(std::vector<Part> &parts) {
  std::erase_if(parts, [](const Part &part) { return part.match; });
}
void merged_with_previous(std::vector<Part> &parts) {
  std::vector<Part> out;
  bool after_match = false;
  for (const Part &part : parts) {
    if (part.match && !after_match && !out.empty())
      out.back().end = part.end;
    else
      out.push_back(part);
    after_match = part.match;
  }
  parts = std::move(out);
}
void merged_with_next(std::vector<Part> &parts) {
  std::vector<Part> out;
  bool before_match = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->match && !before_match && !out.empty())
      out.back().begin = part->begin;
    else
      out.push_back(*part);
    before_match = part->match;
  }
  parts.assign(out.rbegin(), out.rend());
}
void contiguous(std::vector<Part> &parts) {
  std::vector<Part> out;
  for (const Part &part : parts) {
    if (!out.empty() && out.back().match == part.match)
      out.back().end = part.end;
    else
      out.push_back(part);
  }
  parts = std::move(out);
}

struct Behavior {
  const char *name;
  void (*apply)(std::vector<Part> &);
};
constexpr Behavior kBehaviors[] = {{"Isolated", isolated},
                                   {"Removed", removed},
                                   {"MergedWithPrevious", merged_with_previous},
                                   {"MergedWithNext", merged_with_next},
                                   {"Contiguous", contiguous}};

class Split : public PreTokenizer {
  Regex regex_;
  void (*behavior_)(std::vector<Part> &);
  bool invert_;  // what the pattern matches is what lies between, and the other way round

 public:
  Split(Regex regex, void (*behavior)(std::vector<Part> &), bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}
  void split(Words &words) const override {
    std::vector<std::string_view> out;
    std::vector<Part> parts;
    for (const auto word : words.words) {
      parts.clear();
      size_t at = 0;
      while (const auto match = regex_.find(word, at)) {
        if (match->first > at) parts.push_back({at, match->first, invert_});
        parts.push_back({match->first, match->second, !invert_});
        at = match->second;
      }
      if (at < word.size()) parts.push_back({at, word.size(), invert_});
      behavior_(parts);
      for (const Part &part : parts) out.push_back(word.substr(part.begin, part.end - part.begin));
    }
    words.words = std::move(out);
  }
};

/// Byte-level tokenizers write a leading space into the first word so that it is encoded as inside a
/// sentence.
class PrefixSpace : public PreTokenizer {
 public:
  void split(Words &words) const override {
    for (auto &word : words.words)
      if (!word.empty() && word[0] != ' ') word = words.owned.emplace_back(' ' + std::string(word));
  }
};

/// Spaces become a mark ("▁"), and one is put before a text, so that its first word is encoded as inside a
/// sentence.
class Metaspace : public PreTokenizer {
 public:
  enum Prepend { kAlways, kFirst, kNever };
  Metaspace(std::string mark, Prepend prepend, std::unique_ptr<PreTokenizer> split)
      : mark_(std::move(mark)), prepend_(prepend), split_(std::move(split)) {}
  void split(Words &words) const override {
    for (auto &word : words.words) {
      std::string marked;
      for (const char c : word) c == ' ' ? marked += mark_ : marked += c;
      const bool wanted =
          prepend_ == kAlways || (prepend_ == kFirst && words.at_start && &word == &words.words[0]);
      if (wanted && !marked.starts_with(mark_)) marked = mark_ + marked;
      word = words.owned.emplace_back(std::move(marked));
    }
    if (split_) split_->split(words);
  }

 private:
  std::string mark_;
  Prepend prepend_;
  std::unique_ptr<PreTokenizer> split_;  // before every mark; null: does not split
};

const char kGpt2Pattern[] = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

bool flag(const nlohmann::json &step, const char *key, bool fallback) {
  const auto found = step.find(key);
  return found == step.end() || !found->is_boolean() ? fallback : found->get<bool>();
}

std::unique_ptr<PreTokenizer> make_split(const nlohmann::json &step, const std::string &name) {
  const std::string behavior = step.contains("behavior") ? step["behavior"].dump() : "null";
  for (const auto &row : kBehaviors)
    if (behavior == '"' + std::string(row.name) + '"')
      return std::make_unique<Split>(pattern_of(step, name), row.apply, flag(step, "invert", false));
  throw std::runtime_error(name + ": Split behavior " + behavior + " is not supported");
}

std::unique_ptr<PreTokenizer> make_metaspace(const nlohmann::json &step, const std::string &name) {
  const auto mark = step.find("replacement");
  if (mark == step.end() || !mark->is_string() || mark->get<std::string>().empty())
    throw std::runtime_error(name + ": pre_tokenizer Metaspace has no replacement, expected a character");
  static constexpr std::pair<const char *, Metaspace::Prepend> kSchemes[] = {
      {"\"always\"", Metaspace::kAlways}, {"\"first\"", Metaspace::kFirst}, {"\"never\"", Metaspace::kNever}};
  const std::string scheme = step.contains("prepend_scheme")        ? step["prepend_scheme"].dump()
                             : flag(step, "add_prefix_space", true) ? "\"always\""
                                                                    : "\"never\"";
  for (const auto &[text, prepend] : kSchemes)
    if (scheme == text) {
      const std::string character = mark->get<std::string>();
      return std::make_unique<Metaspace>(
          character, prepend,
          flag(step, "split", true)
              ? std::make_unique<Split>(Regex::of_text(character, name), merged_with_next, false)
              : nullptr);
    }
  throw std::runtime_error(name + ": pre_tokenizer Metaspace has prepend_scheme " + scheme +
                           ", expected always, first or never");
}

void add_steps(const nlohmann::json &step, const std::string &name, PreTokenizers &all) {
  const std::string type = step.is_object() && step.contains("type") ? step["type"].dump() : step.dump();
  if (type == "\"Sequence\"" && step.contains("pretokenizers") && step["pretokenizers"].is_array()) {
    for (const auto &inner : step["pretokenizers"]) add_steps(inner, name, all);
    return;
  }
  if (all.byte_level)
    throw std::runtime_error(name + ": pre_tokenizer " + type +
                             " follows ByteLevel, expected nothing after it");
  if (type == "\"Split\"") {
    all.steps.push_back(make_split(step, name));
  } else if (type == "\"Digits\"") {
    all.steps.push_back(std::make_unique<Split>(
        Regex("\\p{N}", name), flag(step, "individual_digits", false) ? isolated : contiguous, false));
  } else if (type == "\"ByteLevel\"") {
    if (flag(step, "add_prefix_space", true)) all.steps.push_back(std::make_unique<PrefixSpace>());
    if (flag(step, "use_regex", true))
      all.steps.push_back(std::make_unique<Split>(Regex(kGpt2Pattern, name), isolated, false));
    all.byte_level = true;
  } else if (type == "\"Metaspace\"") {
    all.steps.push_back(make_metaspace(step, name));
  } else {
    throw std::runtime_error(name + ": pre_tokenizer " + type +
                             " is not supported; there are Sequence, Split, Digits, Metaspace and ByteLevel");
  }
}

}  // namespace

PreTokenizers make_pre_tokenizers(const nlohmann::json &description, const std::string &name) {
  PreTokenizers all;
  if (!description.is_null()) add_steps(description, name, all);
  return all;
}

}  // namespace vtok
