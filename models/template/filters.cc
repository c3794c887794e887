// Filters of a template: "x | trim" and the like.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/filters.h"

namespace vtok::jinja {
namespace {

Value default_value(const Value &value, Arguments &arguments, Budget &) {
  const Value fallback = arguments.get(0, "default_value", Value(std::string()));
  const bool falsy = arguments.get(1, "boolean", Value(false)).truth();
  return value.is_undefined() || (falsy && !value.truth()) ? fallback : value;
}

Value tojson(const Value &value, Arguments &arguments, Budget &budget) {
  const Value indent = arguments.get(0, "indent", Value());
  if (!indent.is_none() && (indent.integer() < 0 || indent.integer() > 16))
    throw Problem("tojson with an indent outside 0 to 16");
  return Value(to_json(value, indent.is_none() ? -1 : int(indent.integer()), budget));
}

Value items(const Value &value, Arguments &, Budget &budget) {
  return value.is_undefined() ? Value(List()) : call_method(value, "items", {}, budget);
}

Value count(const Value &value, Arguments &, Budget &) { return Value(length(value)); }
Value list(const Value &value, Arguments &, Budget &budget) { return Value(elements(value, budget)); }
Value string(const Value &value, Arguments &, Budget &budget) { return Value(to_text(value, budget)); }
Value safe(const Value &value, Arguments &, Budget &) { return value; }

constexpr FilterRow kRows[] = {
    {"count", count}, {"length", count}, {"d", default_value}, {"default", default_value}, {"items", items},
    {"list", list},   {"safe", safe},    {"string", string},   {"tojson", tojson}};

}  // namespace

Value apply_filter(const std::string &name, const Value &value, Arguments arguments, Budget &budget) {
  budget.spend(16 + weight(value));
  for (const std::span<const FilterRow> rows :
       {std::span<const FilterRow>(kRows), list_filters(), number_filters(), text_filters()})
    for (const FilterRow &row : rows) {
      if (name != row.name) continue;
      const Value result = row.filter(value, arguments, budget);
      arguments.finish();
      return result;
    }
  throw Problem("the filter '" + name + "' is not supported");
}

}  // namespace vtok::jinja
