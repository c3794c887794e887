// Filters of a template: "x | trim" and the like.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <charconv>
#include <cmath>

#include "models/template/builtins.h"

namespace vtok::jinja {
namespace {

using Filter = Value (*)(const Value &, Arguments &, Budget &);

/// "a.b.0" of a value, as filters' attribute= takes it.
Value path(const Value &value, const Value &attribute_path, Budget &budget) {
  if (attribute_path.is_int()) return item(value, attribute_path, budget);
  Value current = value;
  std::string rest = attribute_path.string();
  while (!rest.empty()) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string name = rest.substr(0, dot);
    rest = dot < rest.size() ? rest.substr(dot + 1) : "";
    budget.spend(16 + weight(current));
    int64_t index = 0;
    const auto number = std::from_chars(name.data(), name.data() + name.size(), index);
    current = number.ec == std::errc() && number.ptr == name.data() + name.size()
                  ? item(current, Value(index), budget)
                  : attribute(current, name);
  }
  return current;
}

/// select, reject, selectattr, rejectattr: elements that pass a test, or do not; without one, those that are
/// true.
template <bool kAttribute, bool kWanted>
Value pick(const Value &value, Arguments &arguments, Budget &budget) {
  const Value key = kAttribute ? arguments.need(0, "") : Value();
  constexpr size_t first = kAttribute ? 1 : 0;
  const Value test = arguments.get(first, "", Value());
  const Arguments rest = test.is_none() ? Arguments() : arguments.without_first(first + 1);
  List out;
  for (const Value &element : elements(value, budget)) {
    const Value seen = kAttribute ? path(element, key, budget) : element;
    if ((test.is_none() ? seen.truth() : apply_test(test.string(), seen, rest, budget)) == kWanted)
      out.push_back(element);
  }
  return Value(std::move(out));
}

Value map(const Value &value, Arguments &arguments, Budget &budget) {
  List out;
  if (const Value *key = arguments.take(SIZE_MAX, "attribute")) {
    const Value *fallback = arguments.take(SIZE_MAX, "default");
    for (const Value &element : elements(value, budget)) {
      Value found = path(element, *key, budget);
      out.push_back(found.is_undefined() && fallback ? *fallback : std::move(found));
    }
    return Value(std::move(out));
  }
  const Value name = arguments.need(0, "filter");
  const Arguments rest = arguments.without_first(1);
  for (const Value &element : elements(value, budget))
    out.push_back(apply_filter(name.string(), element, rest, budget));
  return Value(std::move(out));
}

Value join(const Value &value, Arguments &arguments, Budget &budget) {
  const Value separator = arguments.get(0, "d", Value(std::string()));
  const Value *key = arguments.take(1, "attribute");
  std::string out;
  bool first = true;
  for (const Value &element : elements(value, budget)) {
    if (!first) out += to_text(separator, budget);
    first = false;
    out += to_text(key ? path(element, *key, budget) : element, budget);
  }
  return Value(std::move(out));
}

Value default_value(const Value &value, Arguments &arguments, Budget &) {
  const Value fallback = arguments.get(0, "default_value", Value(std::string()));
  const bool falsy = arguments.get(1, "boolean", Value(false)).truth();
  return value.is_undefined() || (falsy && !value.truth()) ? fallback : value;
}

Value first(const Value &value, Arguments &, Budget &budget) {
  const List all = elements(value, budget);
  return all.empty() ? Value::undefined("the first element of nothing") : all.front();
}
Value last(const Value &value, Arguments &, Budget &budget) {
  const List all = elements(value, budget);
  return all.empty() ? Value::undefined("the last element of nothing") : all.back();
}

Value tojson(const Value &value, Arguments &arguments, Budget &budget) {
  const Value indent = arguments.get(0, "indent", Value());
  if (!indent.is_none() && (indent.integer() < 0 || indent.integer() > 16))
    throw Problem("tojson with an indent outside 0 to 16");
  return Value(to_json(value, indent.is_none() ? -1 : int(indent.integer()), budget));
}

Value to_int(const Value &value, Arguments &arguments, Budget &) {
  const Value fallback = arguments.get(0, "default", Value(int64_t(0)));
  if (value.is_float()) {
    if (!(std::fabs(value.real()) < 9e18)) return fallback;
    return Value(int64_t(value.real()));
  }
  if (value.is_number()) return Value(value.integer());
  if (!value.is_string()) return fallback;
  const std::string text = stripped(value.string(), nullptr, true, true);
  const size_t plus = text.starts_with('+') ? 1 : 0;
  double number = 0;
  int64_t whole = 0;
  const char *begin = text.data() + plus, *end = text.data() + text.size();
  if (const auto read = std::from_chars(begin, end, whole); read.ec == std::errc() && read.ptr == end)
    return Value(whole);
  if (const auto read = std::from_chars(begin, end, number);
      read.ec == std::errc() && read.ptr == end && std::fabs(number) < 9e18)
    return Value(int64_t(number));
  return fallback;
}

Value to_float(const Value &value, Arguments &arguments, Budget &) {
  const Value fallback = arguments.get(0, "default", Value(0.0));
  if (value.is_number()) return Value(value.real());
  if (!value.is_string()) return fallback;
  const std::string text = stripped(value.string(), nullptr, true, true);
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? Value(number) : fallback;
}

Value absolute(const Value &value, Arguments &, Budget &) {
  if (value.is_float()) return Value(std::fabs(value.real()));
  if (value.integer() == INT64_MIN) throw Problem("a number is too large");
  return Value(std::abs(value.integer()));
}

Value round_number(const Value &value, Arguments &arguments, Budget &) {
  const int64_t digits = arguments.get(0, "precision", Value(int64_t(0))).integer();
  if (digits < 0 || digits > 15)
    throw Problem("round to " + std::to_string(digits) + " digits, expected 0 to 15");
  const double scale = std::pow(10.0, double(digits));
  return Value(std::nearbyint(value.real() * scale) / scale);
}

Value reverse(const Value &value, Arguments &, Budget &budget) {
  List all = elements(value, budget);
  std::reverse(all.begin(), all.end());
  if (!value.is_string()) return Value(std::move(all));
  std::string text;
  for (const Value &character : all) text += character.string();
  return Value(std::move(text));
}

/// Strings without regard to case unless case_sensitive is set, as Jinja sorts.
Value sort(const Value &value, Arguments &arguments, Budget &budget) {
  const bool down = arguments.get(0, "reverse", Value(false)).truth();
  const bool cased = arguments.get(1, "case_sensitive", Value(false)).truth();
  const Value *key = arguments.take(2, "attribute");
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value &element : elements(value, budget)) {
    Value by = key ? path(element, *key, budget) : element;
    if (by.is_string() && !cased) by = make_string(lower(by.string()), budget);
    keyed.emplace_back(std::move(by), element);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto &a, const auto &b) {
    return down ? compare(b.first, a.first, budget) < 0 : compare(a.first, b.first, budget) < 0;
  });
  List out;
  for (auto &[_, element] : keyed) out.push_back(std::move(element));
  return Value(std::move(out));
}

Value unique(const Value &value, Arguments &, Budget &budget) {
  List out;
  for (const Value &element : elements(value, budget))
    if (!contains(Value(out), element, budget)) out.push_back(element);
  return Value(std::move(out));
}

template <int kSign>
Value extreme(const Value &value, Arguments &, Budget &budget) {
  const List all = elements(value, budget);
  if (all.empty()) return Value::undefined("the extreme of nothing");
  const Value *best = &all.front();
  for (const Value &element : all)
    if (compare(element, *best, budget) == kSign) best = &element;
  return *best;
}

Value sum(const Value &value, Arguments &arguments, Budget &budget) {
  const Value *key = arguments.take(0, "attribute");
  double real = 0;
  int64_t whole = 0;
  bool all_whole = true;
  for (const Value &element : elements(value, budget)) {
    const Value number = key ? path(element, *key, budget) : element;
    real += number.real();
    all_whole = all_whole && !number.is_float() && !__builtin_add_overflow(whole, number.integer(), &whole);
  }
  return all_whole ? Value(whole) : Value(real);
}

Value indent(const Value &value, Arguments &arguments, Budget &budget) {
  const int64_t width = arguments.get(0, "width", Value(int64_t(4))).integer();
  const bool first_too = arguments.get(1, "first", Value(false)).truth(),
             blank_too = arguments.get(2, "blank", Value(false)).truth();
  if (width < 0 || width > 64) throw Problem("indent by " + std::to_string(width) + ", expected 0 to 64");
  const std::string space(size_t(width), ' '), &text = value.string();
  std::string out;
  for (size_t at = 0;;) {
    const size_t end = std::min(text.find('\n', at), text.size());
    budget.spend(size_t(width));
    if ((at || first_too) && (end > at || blank_too || !at)) out += space;
    out += text.substr(at, end - at);
    if (end == text.size()) return make_string(std::move(out), budget);
    out += '\n';
    at = end + 1;
  }
}

Value escape(const Value &value, Arguments &, Budget &budget) {
  std::string out;
  for (const char c : to_text(value, budget)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&#34;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
  return Value(std::move(out));
}

Value replace(const Value &value, Arguments &arguments, Budget &budget) {
  const Value from = arguments.need(0, "old"), to = arguments.need(1, "new"),
              most = arguments.get(2, "count", Value());
  return make_string(replaced(to_text(value, budget), to_text(from, budget), to_text(to, budget),
                              most.is_none() ? -1 : most.integer(), budget),
                     budget);
}

Value items(const Value &value, Arguments &, Budget &budget) {
  return value.is_undefined() ? Value(List()) : call_method(value, "items", {}, budget);
}

template <std::string (*kMap)(const std::string &)>
Value map_text(const Value &value, Arguments &, Budget &budget) {
  return make_string(kMap(to_text(value, budget)), budget);
}

Value trim(const Value &value, Arguments &arguments, Budget &budget) {
  return make_string(stripped(to_text(value, budget), arguments.take(0, "chars"), true, true), budget);
}
Value count(const Value &value, Arguments &, Budget &) { return Value(length(value)); }
Value list(const Value &value, Arguments &, Budget &budget) { return Value(elements(value, budget)); }
Value string(const Value &value, Arguments &, Budget &budget) { return Value(to_text(value, budget)); }
Value safe(const Value &value, Arguments &, Budget &) { return value; }

struct Row {
  const char *name;
  Filter filter;
};
constexpr Row kFilters[] = {{"abs", absolute},
                            {"capitalize", map_text<capitalized>},
                            {"count", count},
                            {"length", count},
                            {"d", default_value},
                            {"default", default_value},
                            {"e", escape},
                            {"escape", escape},
                            {"first", first},
                            {"float", to_float},
                            {"indent", indent},
                            {"int", to_int},
                            {"items", items},
                            {"join", join},
                            {"last", last},
                            {"list", list},
                            {"lower", map_text<lower>},
                            {"map", map},
                            {"max", extreme<1>},
                            {"min", extreme<-1>},
                            {"reject", pick<false, false>},
                            {"rejectattr", pick<true, false>},
                            {"replace", replace},
                            {"reverse", reverse},
                            {"round", round_number},
                            {"safe", safe},
                            {"select", pick<false, true>},
                            {"selectattr", pick<true, true>},
                            {"sort", sort},
                            {"string", string},
                            {"sum", sum},
                            {"title", map_text<title>},
                            {"tojson", tojson},
                            {"trim", trim},
                            {"unique", unique},
                            {"upper", map_text<upper>}};

}  // namespace

Value apply_filter(const std::string &name, const Value &value, Arguments arguments, Budget &budget) {
  budget.spend(16 + weight(value));
  for (const Row &row : kFilters) {
    if (name != row.name) continue;
    const Value result = row.filter(value, arguments, budget);
    arguments.finish();
    return result;
  }
  throw Problem("the filter '" + name + "' is not supported");
}

}  // namespace vtok::jinja
