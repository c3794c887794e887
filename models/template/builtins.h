// What a template can use by name: filters, tests and methods. To add one: a function and a row in its file.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "models/template/value.h"

namespace vtok::jinja {

/// The arguments of one call; who is called takes those it knows, what is left over is an error.
class Arguments {
  List positional_;
  std::vector<std::pair<std::string, Value>> named_;
  size_t used_ = 0;

 public:
  Arguments() = default;
  Arguments(List positional, std::vector<std::pair<std::string, Value>> named)
      : positional_(std::move(positional)), named_(std::move(named)) {}
  /// The argument at `index` or named `name`; null: not given.
  const Value *take(size_t index, std::string_view name);
  Value get(size_t index, std::string_view name, Value fallback);
  Value need(size_t index, std::string_view name);  // throws Problem where it is not given
  std::vector<std::pair<std::string, Value>> take_named();
  Arguments without_first(size_t n);  // the rest, for a filter that hands them on
  size_t count() const { return positional_.size(); }
  void finish() const;  // throws Problem where some were not taken
};

/// Each throws Problem for a name it does not know.
Value apply_filter(const std::string &name, const Value &value, Arguments arguments, Budget &budget);
bool apply_test(const std::string &name, const Value &value, Arguments arguments, Budget &budget);
Value call_method(const Value &object, const std::string &name, Arguments arguments, Budget &budget);

bool contains(const Value &container, const Value &item, Budget &budget);
/// value.name or value[name], undefined where there is none.
Value attribute(const Value &value, const std::string &name);
/// value[index], undefined where there is none.
Value item(const Value &value, const Value &index, Budget &budget);

std::string stripped(const std::string &text, const Value *characters, bool left, bool right);
std::string replaced(const std::string &text, const std::string &from, const std::string &to, int64_t count,
                     Budget &budget);
std::string upper(const std::string &text);
std::string lower(const std::string &text);
std::string title(const std::string &text);
std::string capitalized(const std::string &text);

}  // namespace vtok::jinja
