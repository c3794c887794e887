// What a text goes through before it is split, as tokenizer.json's normalizer says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizer/regex.h"

namespace vtok {

class Normalizer {
  struct Step {
    int form = 0;                   // utf8proc's options; 0: one of the two below
    std::string prepended;          // before a text that is not empty
    std::optional<Regex> replaced;  // where it matches, `by`
    std::string by;
  };
  std::vector<Step> steps_;

  void add(const nlohmann::json &step, const std::string &name);

 public:
  /// `description`: null, NFC, NFD, NFKC, NFKD, Prepend, Replace or a Sequence of them. Throws
  /// std::runtime_error naming another.
  Normalizer(const nlohmann::json &description, const std::string &name);
  std::string apply(std::string_view text) const;  // text: valid UTF-8
};

}  // namespace vtok
