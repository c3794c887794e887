// A regular expression of tokenizer.json, run by PCRE2 with Unicode classes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
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
  /// The first match that is not empty at or after byte `from` of a valid UTF-8 text, as [begin, end).
  std::optional<std::pair<size_t, size_t>> find(std::string_view text, size_t from) const;
};

}  // namespace vtok
