// Unicode normal forms, as tokenizer.json's normalizer says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace vtok {

class Normalizer {
  std::vector<int> forms_;  // utf8proc options, applied in order

  void add(const nlohmann::json &step, const std::string &name);

 public:
  /// `description`: null, NFC, NFD, NFKC, NFKD or a Sequence of them. Throws std::runtime_error naming
  /// another.
  Normalizer(const nlohmann::json &description, const std::string &name);
  std::string apply(std::string_view text) const;  // text: valid UTF-8
};

}  // namespace vtok
