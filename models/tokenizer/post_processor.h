// What stands around every text, as tokenizer.json's post_processor says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace vtok {

/// Ids before and after a text.
struct Surroundings {
  std::vector<int> before, after;
};
/// Throws std::runtime_error naming what it does not know.
Surroundings read_post_processor(const nlohmann::json &description, const std::string &name);

}  // namespace vtok
