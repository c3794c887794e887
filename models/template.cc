// Renders a chat template: the part of Jinja that checkpoints use, configured as Hugging Face does.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template.h"

#include <nlohmann/json.hpp>

#include "models/template/interpreter.h"

namespace vtok {

std::string render_template(const std::string &source, const nlohmann::ordered_json &variables) {
  const jinja::Block template_block = jinja::parse(source);
  return jinja::Interpreter(jinja::Value::from(variables)).render(template_block);
}

}  // namespace vtok
