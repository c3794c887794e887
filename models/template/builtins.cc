// Arguments of calls, attributes and elements of values.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/builtins.h"

#include <algorithm>

namespace vtok::jinja {

const Value *Arguments::take(size_t index, std::string_view name) {
  if (index < positional_.size()) {
    used_ = std::max(used_, index + 1);
    return &positional_[index];
  }
  for (auto &[key, value] : named_) {
    if (name.empty() || key != name) continue;
    key.clear();  // taken
    return &value;
  }
  return nullptr;
}

Value Arguments::get(size_t index, std::string_view name, Value fallback) {
  const Value *given = take(index, name);
  return given ? *given : std::move(fallback);
}

Value Arguments::need(size_t index, std::string_view name) {
  const Value *given = take(index, name);
  if (!given)
    throw Problem("argument " + std::to_string(index + 1) +
                  (name.empty() ? "" : " (" + std::string(name) + ")") + " is missing");
  return *given;
}

std::vector<std::pair<std::string, Value>> Arguments::take_named() {
  auto all = named_;
  named_.clear();
  return all;
}

Arguments Arguments::without_first(size_t n) {
  const size_t begin = std::min(n, positional_.size());
  used_ = positional_.size();
  return {List(positional_.begin() + std::ptrdiff_t(begin), positional_.end()), take_named()};
}

void Arguments::finish() const {
  if (used_ < positional_.size())
    throw Problem("is given " + std::to_string(positional_.size()) + " arguments, expected at most " +
                  std::to_string(used_));
  for (const auto &[name, _] : named_)
    if (!name.empty()) throw Problem("the argument '" + name + "' is not supported");
}

bool contains(const Value &container, const Value &wanted, Budget &budget) {
  if (container.is_undefined()) return false;
  budget.spend(16 + weight(container));
  if (container.is_string()) return container.string().find(wanted.string()) != std::string::npos;
  if (container.is_dict()) return wanted.is_string() && container.find(wanted.string());
  if (!container.is_list()) throw Problem("cannot look for something in " + std::string(container.type()));
  return std::any_of(container.list().begin(), container.list().end(),
                     [&](const Value &one) { return equal(one, wanted, budget); });
}

Value attribute(const Value &value, const std::string &name) {
  if (value.is_undefined()) throw Problem("'" + value.undefined_name() + "' is undefined");
  if (value.is_namespace()) {
    const auto found = value.names().fields.find(name);
    if (found != value.names().fields.end()) return found->second;
  } else if (value.is_dict()) {
    if (const Value *found = value.find(name)) return *found;
  }
  return Value::undefined(name);
}

Value item(const Value &value, const Value &index, Budget &budget) {
  if (value.is_undefined()) throw Problem("'" + value.undefined_name() + "' is undefined");
  budget.spend(16 + (value.is_list() ? 0 : weight(value)));
  if (index.is_string()) return attribute(value, index.string());
  if (!index.is_number() || index.is_float() || (!value.is_list() && !value.is_string()))
    return Value::undefined(std::string("an element of ") + value.type());
  const int64_t n = length(value);
  int64_t at = index.integer();
  if (at < 0) at += n;
  if (at < 0 || at >= n) return Value::undefined("element " + std::to_string(index.integer()));
  if (value.is_list()) return value.list()[size_t(at)];
  return Value(characters(value.string())[size_t(at)]);
}

}  // namespace vtok::jinja
