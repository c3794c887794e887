// What a text goes through before it is split, as tokenizer.json's normalizer says.
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

std::string in_form(const std::string &text, int form) {
  if (ascii(text)) return text;  // is its own normal form in all four
  utf8proc_uint8_t *result = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                                 utf8proc_ssize_t(text.size()), &result, utf8proc_option_t(form));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void *)> owner(result, std::free);
  if (size < 0) throw std::runtime_error(std::string("cannot normalise a text: ") + utf8proc_errmsg(size));
  return {reinterpret_cast<const char *>(result), size_t(size)};
}

std::string with_replaced(const std::string &text, const Regex &pattern, const std::string &by) {
  std::string out;
  size_t at = 0;
  while (const auto match = pattern.find(text, at)) {
    out.append(text, at, match->first - at);
    out += by;
    at = match->second;
  }
  return out.append(text, at);
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
    Step one;
    one.form = form.options;
    steps_.push_back(std::move(one));
    return;
  }
  const auto text_of = [&](const char *key) {
    const auto found = step.find(key);
    if (found == step.end() || !found->is_string())
      throw std::runtime_error(name + ": normalizer " + type + " has no " + key + ", expected a text");
    return found->get<std::string>();
  };
  if (type == "\"Prepend\"") {
    Step one;
    one.prepended = text_of("prepend");
    steps_.push_back(std::move(one));
    return;
  }
  if (type == "\"Replace\"") {
    Step one;
    one.replaced = pattern_of(step, name);
    one.by = text_of("content");
    steps_.push_back(std::move(one));
    return;
  }
  throw std::runtime_error(name + ": normalizer " + type +
                           " is not supported; there are NFC, NFD, NFKC, NFKD, Prepend and Replace");
}

std::string Normalizer::apply(std::string_view text) const {
  std::string current(text);
  for (const Step &step : steps_) {
    if (step.form)
      current = in_form(current, step.form);
    else if (step.replaced)
      current = with_replaced(current, *step.replaced, step.by);
    else if (!current.empty())
      current = step.prepended + current;
  }
  return current;
}

}  // namespace vtok
