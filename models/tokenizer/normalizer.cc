// Unicode normal forms, as tokenizer.json's normalizer says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace vtok {
namespace {

struct Form {
  const char *name;
  int options;
};
constexpr Form kForms[] = {{"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
                           {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
                           {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
                           {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};

bool ascii(std::string_view text) {
  for (const char c : text)
    if (uint8_t(c) >= 0x80) return false;
  return true;
}

}  // namespace

Normalizer::Normalizer(const nlohmann::json &description, const std::string &name) {
  if (!description.is_null()) add(description, name);
}

void Normalizer::add(const nlohmann::json &step, const std::string &name) {
  const std::string type = step.is_object() && step.contains("type") ? step["type"].dump() : step.dump();
  if (type == "\"Sequence\"" && step.contains("normalizers") && step["normalizers"].is_array()) {
    for (const auto &inner : step["normalizers"]) add(inner, name);
    return;
  }
  for (const auto &form : kForms) {
    if (type != '"' + std::string(form.name) + '"') continue;
    forms_.push_back(form.options);
    return;
  }
  throw std::runtime_error(name + ": normalizer " + type +
                           " is not supported; there are NFC, NFD, NFKC and NFKD");
}

std::string Normalizer::apply(std::string_view text) const {
  std::string current(text);
  if (ascii(text)) return current;  // is its own normal form in all four
  for (const int options : forms_) {
    utf8proc_uint8_t *result = nullptr;
    const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(current.data()),
                                   utf8proc_ssize_t(current.size()), &result, utf8proc_option_t(options));
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void *)> owner(result, std::free);
    if (size < 0) throw std::runtime_error(std::string("cannot normalise a text: ") + utf8proc_errmsg(size));
    current.assign(reinterpret_cast<const char *>(result), size_t(size));
  }
  return current;
}

}  // namespace vtok
