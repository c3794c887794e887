// Methods of strings, dicts and lists that a template can call. Nothing changes a value, as in HF's sandbox.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "models/template/builtins.h"
#include "models/tokenizer/utf8.h"

namespace vtok::jinja {
namespace {

using Method = Value (*)(const Value &, Arguments &, Budget &);
struct Row {
  const char *name;
  Method call;
};

template <bool kLeft, bool kRight>
Value strip(const Value &self, Arguments &arguments, Budget &budget) {
  return make_string(stripped(self.string(), arguments.take(0, "chars"), kLeft, kRight), budget);
}

/// Python's str.split: at a separator, or at runs of white space with none at the ends.
Value split(const Value &self, Arguments &arguments, Budget &budget) {
  const Value separator = arguments.get(0, "sep", Value());
  int64_t most = arguments.get(1, "maxsplit", Value(int64_t(-1))).integer();
  const std::string &text = self.string();
  List parts;
  size_t at = 0;
  if (!separator.is_none()) {
    const std::string &mark = separator.string();
    if (mark.empty()) throw Problem("split() at an empty separator");
    for (size_t found; most != 0 && (found = text.find(mark, at)) != std::string::npos; --most) {
      parts.push_back(make_string(text.substr(at, found - at), budget));
      at = found + mark.size();
      budget.spend(32);
    }
    parts.push_back(make_string(text.substr(at), budget));
    return make_list(std::move(parts), budget);
  }
  const auto skip = [&](bool space) {
    while (at < text.size()) {
      const auto step = next_utf8(std::string_view(text).substr(at));
      if (white_space(step.code) != space) break;
      at += size_t(step.bytes);
    }
  };
  for (skip(true); at < text.size(); skip(true)) {
    const size_t begin = at;
    if (most-- == 0) {
      parts.push_back(make_string(stripped(text.substr(begin), nullptr, false, true), budget));
      break;
    }
    skip(false);
    parts.push_back(make_string(text.substr(begin, at - begin), budget));
    budget.spend(32);
  }
  return make_list(std::move(parts), budget);
}

Value splitlines(const Value &self, Arguments &, Budget &budget) {
  List lines;
  const std::string &text = self.string();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(make_string(text.substr(at, end - at), budget));
    at = end + 1;
  }
  return make_list(std::move(lines), budget);
}

bool matches(const std::string &text, const Value &part, bool start) {
  if (part.is_tuple())
    return std::any_of(part.list().begin(), part.list().end(),
                       [&](const Value &one) { return matches(text, one, start); });
  return start ? text.starts_with(part.string()) : text.ends_with(part.string());
}
Value startswith(const Value &self, Arguments &arguments, Budget &) {
  return Value(matches(self.string(), arguments.need(0, "prefix"), true));
}
Value endswith(const Value &self, Arguments &arguments, Budget &) {
  return Value(matches(self.string(), arguments.need(0, "suffix"), false));
}

template <std::string (*kMap)(const std::string &)>
Value map_text(const Value &self, Arguments &, Budget &budget) {
  return make_string(kMap(self.string()), budget);
}

Value replace(const Value &self, Arguments &arguments, Budget &budget) {
  const Value from = arguments.need(0, "old"), to = arguments.need(1, "new");
  const int64_t count = arguments.get(2, "count", Value(int64_t(-1))).integer();
  return make_string(replaced(self.string(), from.string(), to.string(), count, budget), budget);
}

Value find_text(const Value &self, Arguments &arguments, Budget &) {
  const size_t found = self.string().find(arguments.need(0, "sub").string());
  return Value(found == std::string::npos ? int64_t(-1) : length(Value(self.string().substr(0, found))));
}

Value count_text(const Value &self, Arguments &arguments, Budget &) {
  const Value part = arguments.need(0, "sub");
  if (part.string().empty()) return Value(length(self) + 1);
  int64_t count = 0;
  for (size_t at = 0; (at = self.string().find(part.string(), at)) != std::string::npos;
       at += part.string().size())
    ++count;
  return Value(count);
}

Value join(const Value &self, Arguments &arguments, Budget &budget) {
  std::string out;
  bool first = true;
  for (const Value &part : elements(arguments.need(0, "iterable"), budget)) {
    if (!first) out += self.string();
    first = false;
    out += part.string();
    budget.spend(self.string().size() + part.string().size());
  }
  return Value(std::move(out));
}

template <bool kStart>
Value remove_affix(const Value &self, Arguments &arguments, Budget &budget) {
  const Value affix = arguments.need(0, "affix");
  const std::string &text = self.string(), &part = affix.string();
  if (kStart ? !text.starts_with(part) : !text.ends_with(part)) return self;
  return make_string(kStart ? text.substr(part.size()) : text.substr(0, text.size() - part.size()), budget);
}

Value isdigit(const Value &self, Arguments &, Budget &) {
  const std::string &text = self.string();
  return Value(!text.empty() &&
               std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

constexpr Row kStringMethods[] = {{"strip", strip<true, true>},
                                  {"lstrip", strip<true, false>},
                                  {"rstrip", strip<false, true>},
                                  {"split", split},
                                  {"splitlines", splitlines},
                                  {"startswith", startswith},
                                  {"endswith", endswith},
                                  {"upper", map_text<upper>},
                                  {"lower", map_text<lower>},
                                  {"title", map_text<title>},
                                  {"capitalize", map_text<capitalized>},
                                  {"replace", replace},
                                  {"find", find_text},
                                  {"count", count_text},
                                  {"join", join},
                                  {"removeprefix", remove_affix<true>},
                                  {"removesuffix", remove_affix<false>},
                                  {"isdigit", isdigit}};

Value dict_items(const Value &self, Arguments &, Budget &budget) {
  List items;
  for (const auto &[key, value] : self.dict()) items.emplace_back(List{Value(key), value}, true);
  return make_list(std::move(items), budget);
}
Value dict_keys(const Value &self, Arguments &, Budget &budget) {
  return make_list(elements(self, budget), budget);
}
Value dict_values(const Value &self, Arguments &, Budget &budget) {
  List values;
  for (const auto &[_, value] : self.dict()) values.push_back(value);
  return make_list(std::move(values), budget);
}
Value dict_get(const Value &self, Arguments &arguments, Budget &) {
  const Value key = arguments.need(0, "key"), fallback = arguments.get(1, "default", Value());
  const Value *found = key.is_string() ? self.find(key.string()) : nullptr;
  return found ? *found : fallback;
}
constexpr Row kDictMethods[] = {
    {"items", dict_items}, {"keys", dict_keys}, {"values", dict_values}, {"get", dict_get}};

Value list_index(const Value &self, Arguments &arguments, Budget &budget) {
  const Value wanted = arguments.need(0, "value");
  for (size_t i = 0; i < self.list().size(); ++i)
    if (equal(self.list()[i], wanted, budget)) return Value(int64_t(i));
  throw Problem("index() of a value that is not in the list");
}
Value list_count(const Value &self, Arguments &arguments, Budget &budget) {
  const Value wanted = arguments.need(0, "value");
  return Value(int64_t(std::count_if(self.list().begin(), self.list().end(),
                                     [&](const Value &v) { return equal(v, wanted, budget); })));
}
constexpr Row kListMethods[] = {{"index", list_index}, {"count", list_count}};

}  // namespace

Value call_method(const Value &object, const std::string &name, Arguments arguments, Budget &budget) {
  budget.spend(16 + weight(object));
  const auto call = [&](const auto &rows) {
    for (const Row &row : rows) {
      if (name != row.name) continue;
      const Value result = row.call(object, arguments, budget);
      arguments.finish();
      return result;
    }
    throw Problem(std::string(object.type()) + " has no method '" + name + "' that is supported");
  };
  if (object.is_string()) return call(kStringMethods);
  if (object.is_dict()) return call(kDictMethods);
  if (object.is_list()) return call(kListMethods);
  if (object.is_undefined()) throw Problem("'" + object.undefined_name() + "' is undefined");
  throw Problem(std::string(object.type()) + " has no method '" + name + "'");
}

}  // namespace vtok::jinja
