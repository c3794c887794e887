// Filters of lists: choosing, mapping, ordering and joining elements.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <charconv>

#include "models/template/filters.h"

namespace vtok::jinja {
namespace {

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

Value first(const Value &value, Arguments &, Budget &budget) {
  const List all = elements(value, budget);
  return all.empty() ? Value::undefined("the first element of nothing") : all.front();
}

Value last(const Value &value, Arguments &, Budget &budget) {
  const List all = elements(value, budget);
  return all.empty() ? Value::undefined("the last element of nothing") : all.back();
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

constexpr FilterRow kRows[] = {{"first", first},
                               {"join", join},
                               {"last", last},
                               {"map", map},
                               {"max", extreme<1>},
                               {"min", extreme<-1>},
                               {"reject", pick<false, false>},
                               {"rejectattr", pick<true, false>},
                               {"reverse", reverse},
                               {"select", pick<false, true>},
                               {"selectattr", pick<true, true>},
                               {"sort", sort},
                               {"sum", sum},
                               {"unique", unique}};

}  // namespace

std::span<const FilterRow> list_filters() { return kRows; }

}  // namespace vtok::jinja
