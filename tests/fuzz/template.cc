// Feeds the template interpreter, with the variables a prompt gives it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const auto kVariables = nlohmann::ordered_json::parse(
      R"({"messages":[{"role":"system","content":"Be brief."},
          {"role":"user","content":[{"type":"video"},{"type":"text","text":" What?\n"}]}],
          "add_generation_prompt":true,"tools":null,"bos_token":"<s>"})");
  try {
    vtok::render_template(std::string(reinterpret_cast<const char *>(data), size), kVariables);
  } catch (const std::runtime_error &) {  // the only kind it may throw
  }
  return 0;
}
