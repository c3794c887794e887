// Renders a chat template: the part of Jinja that checkpoints use, configured as Hugging Face does.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace vtok {

/// Renders `source` with `variables` (an object, whose order of keys is kept) as its global names;
/// trim_blocks and lstrip_blocks are on. Steps, sizes and nesting are bounded, so that any template ends
/// within seconds. Throws std::runtime_error: "chat template, line 3:
/// ..." for what the template's own raise_exception() says, for a construct not supported, and for a bound
/// reached.
std::string render_template(const std::string &source, const nlohmann::ordered_json &variables);

}  // namespace vtok
