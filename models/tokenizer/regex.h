// A regular expression of tokenizer.json, run by PCRE2 with Unicode classes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace vtok {

class Regex {
  struct Code;
  std::shared_ptr<const Code> code_;

 public:
  /// Throws std::runtime_error naming the pattern and the place in it.
  Regex(const std::string &pattern, const std::string &name);
  static Regex of_text(const std::string &text, const std::string &name);  // matches the text alone
  /// The first match that is not empty at or after byte `from` of a valid UTF-8 text, as [begin, end).
  std::optional<std::pair<size_t, size_t>> find(std::string_view text, size_t from) const;
};

/// Of a step's {"pattern": {"Regex": ...}} or {"pattern": {"String": ...}}. Throws std::runtime_error.
Regex pattern_of(const nlohmann::json &step, const std::string &name);

}  // namespace vtok
