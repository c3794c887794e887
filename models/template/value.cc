// Values of the template language: Python's, cheap to copy, never changed once made.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/tokenizer/utf8.h"

namespace vtok::jinja {
namespace {

int checked_depth(int deepest) {
  if (deepest >= kValueDepth)
    throw Problem("nests values more than " + std::to_string(kValueDepth) + " deep");
  return deepest + 1;
}

}  // namespace

Value::Value(List items, bool tuple) {
  int deepest = 0;
  for (const Value &item : items) deepest = std::max(deepest, item.depth());
  value_ = std::make_shared<const ListBox>(ListBox{std::move(items), checked_depth(deepest), tuple});
}

Value::Value(Dict items) {
  int deepest = 0;
  for (const auto &[_, item] : items) deepest = std::max(deepest, item.depth());
  value_ = std::make_shared<const DictBox>(DictBox{std::move(items), checked_depth(deepest)});
}

Value Value::undefined(std::string name) {
  Value value;
  value.value_ = std::make_shared<const Undefined>(Undefined{std::move(name)});
  return value;
}

Value Value::from(const nlohmann::ordered_json &json) {
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean:
      return Value(json.get<bool>());
    case nlohmann::ordered_json::value_t::number_integer:
    case nlohmann::ordered_json::value_t::number_unsigned:
      return Value(json.get<int64_t>());
    case nlohmann::ordered_json::value_t::number_float:
      return Value(json.get<double>());
    case nlohmann::ordered_json::value_t::string:
      return Value(json.get<std::string>());
    case nlohmann::ordered_json::value_t::array: {
      List items;
      for (const auto &item : json) items.push_back(from(item));
      return Value(std::move(items));
    }
    case nlohmann::ordered_json::value_t::object: {
      Dict items;
      for (const auto &[key, item] : json.items()) items.emplace_back(key, from(item));
      return Value(std::move(items));
    }
    default:
      return Value();
  }
}

const char *Value::type() const {
  static constexpr const char *kNames[] = {"undefined", "none",   "a boolean", "an integer",  "a float",
                                           "a string",  "a list", "a dict",    "a namespace", "a macro"};
  return kNames[value_.index()];
}

const std::string &Value::string() const {
  if (!is_string()) throw Problem("expected a string, found " + std::string(type()));
  return *std::get<5>(value_);
}

int64_t Value::integer() const {
  if (is_bool()) return boolean();
  if (!is_int()) throw Problem("expected an integer, found " + std::string(type()));
  return std::get<3>(value_);
}

double Value::real() const {
  if (is_float()) return std::get<4>(value_);
  if (!is_number()) throw Problem("expected a number, found " + std::string(type()));
  return double(integer());
}

int Value::depth() const {
  return is_list() ? std::get<6>(value_)->depth : is_dict() ? std::get<7>(value_)->depth : 0;
}

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (is_number()) return real() != 0;
  if (is_string()) return !string().empty();
  if (is_list()) return !list().empty();
  if (is_dict()) return !dict().empty();
  return true;
}

const Value *Value::find(std::string_view key) const {
  for (const auto &[name, value] : dict())
    if (name == key) return &value;
  return nullptr;
}

bool equal(const Value &a, const Value &b, Budget &budget) {
  budget.spend(16);
  if (a.is_number() && b.is_number()) {
    if (!a.is_float() && !b.is_float()) return a.integer() == b.integer();
    return a.real() == b.real();
  }
  if (a.is_string() && b.is_string()) {
    budget.spend(std::min(a.string().size(), b.string().size()));
    return a.string() == b.string();
  }
  if (a.is_list() && b.is_list() && a.is_tuple() == b.is_tuple())
    return std::equal(a.list().begin(), a.list().end(), b.list().begin(), b.list().end(),
                      [&](const Value &x, const Value &y) { return equal(x, y, budget); });
  if (a.is_dict() && b.is_dict()) {
    if (a.dict().size() != b.dict().size()) return false;
    for (const auto &[key, value] : a.dict()) {
      budget.spend(b.dict().size());
      const Value *other = b.find(key);
      if (!other || !equal(value, *other, budget)) return false;
    }
    return true;
  }
  if (a.is_namespace() && b.is_namespace()) return &a.names() == &b.names();
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

int compare(const Value &a, const Value &b, Budget &budget) {
  budget.spend(16);
  if (a.is_number() && b.is_number()) {
    if (!a.is_float() && !b.is_float()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
    return a.real() < b.real() ? -1 : a.real() > b.real();
  }
  if (a.is_string() && b.is_string()) {
    budget.spend(std::min(a.string().size(), b.string().size()));
    const int order = a.string().compare(b.string());  // of UTF-8 bytes: the same as of code points
    return order < 0 ? -1 : order > 0;
  }
  if (a.is_list() && b.is_list()) {
    const size_t both = std::min(a.list().size(), b.list().size());
    for (size_t i = 0; i < both; ++i)
      if (!equal(a.list()[i], b.list()[i], budget)) return compare(a.list()[i], b.list()[i], budget);
    return a.list().size() < b.list().size() ? -1 : a.list().size() > b.list().size();
  }
  throw Problem("cannot order " + std::string(a.type()) + " and " + b.type());
}

std::vector<std::string> characters(const std::string &text) {
  std::vector<std::string> all;
  for (std::string_view rest = text; !rest.empty();) {
    const auto bytes = size_t(next_utf8(rest).bytes);
    all.emplace_back(rest.substr(0, bytes));
    rest.remove_prefix(bytes);
  }
  return all;
}

List elements(const Value &value, Budget &budget) {
  List items;
  if (value.is_list()) {
    items = value.list();
  } else if (value.is_dict()) {
    for (const auto &[key, _] : value.dict()) items.emplace_back(key);
  } else if (value.is_string()) {
    budget.spend(value.string().size() * 32);
    for (auto &character : characters(value.string())) items.emplace_back(std::move(character));
  } else if (!value.is_undefined()) {
    throw Problem("cannot go over " + std::string(value.type()));
  }
  budget.spend(items.size() * 32);
  return items;
}

size_t weight(const Value &value) {
  if (value.is_string()) return value.string().size();
  return value.is_list() ? value.list().size() : value.is_dict() ? value.dict().size() : 0;
}

int64_t length(const Value &value) {
  if (value.is_undefined()) return 0;
  if (value.is_list()) return int64_t(value.list().size());
  if (value.is_dict()) return int64_t(value.dict().size());
  if (!value.is_string()) throw Problem(std::string(value.type()) + " has no length");
  return std::count_if(value.string().begin(), value.string().end(),
                       [](char c) { return (uint8_t(c) & 0xC0) != 0x80; });
}

Value make_string(std::string text, Budget &budget) {
  budget.spend(text.size());
  return Value(std::move(text));
}

Value make_list(List items, Budget &budget) {
  budget.spend(items.size() * 32);
  return Value(std::move(items));
}

}  // namespace vtok::jinja
