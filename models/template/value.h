// Values of the template language: Python's, cheap to copy, never changed once made.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vtok::jinja {

/// What went wrong; the interpreter adds the line.
struct Problem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The work one rendering may do. A step costs 16, a byte of a new string 1, an element of a new list 32.
class Budget {
  int64_t left_ = 64 << 20;

 public:
  void spend(size_t cost) {
    left_ -= int64_t(cost);
    if (left_ < 0) throw Problem("needs too many steps");
  }
};

struct Statement;
class Value;
using List = std::vector<Value>;
using Dict = std::vector<std::pair<std::string, Value>>;  // in the order of insertion, as Python's
struct Namespace {
  std::map<std::string, Value> fields;
};

/// Containers nest at most this deep, so that what walks them may recurse.
inline constexpr int kValueDepth = 64;

class Value {
  struct Undefined {
    std::string name;
  };
  struct ListBox {
    List items;
    int depth;
    bool tuple;
  };
  struct DictBox {
    Dict items;
    int depth;
  };
  using Text = std::shared_ptr<const std::string>;
  std::variant<std::shared_ptr<const Undefined>, std::nullptr_t, bool, int64_t, double, Text,
               std::shared_ptr<const ListBox>, std::shared_ptr<const DictBox>, Namespace *, const Statement *>
      value_;

 public:
  Value() : value_(nullptr) {}  // None
  explicit Value(bool value) : value_(value) {}
  explicit Value(int64_t value) : value_(value) {}
  explicit Value(double value) : value_(value) {}
  explicit Value(std::string value) : value_(std::make_shared<const std::string>(std::move(value))) {}
  explicit Value(const char *) = delete;
  explicit Value(List items, bool tuple = false);
  explicit Value(Dict items);
  explicit Value(Namespace *value) : value_(value) {}        // owned by the interpreter
  explicit Value(const Statement *macro) : value_(macro) {}  // owned by the template
  static Value undefined(std::string name);
  static Value from(const nlohmann::ordered_json &json);

  bool is_undefined() const { return value_.index() == 0; }
  bool is_none() const { return value_.index() == 1; }
  bool is_bool() const { return value_.index() == 2; }
  bool is_int() const { return value_.index() == 3; }
  bool is_float() const { return value_.index() == 4; }
  bool is_number() const { return is_bool() || is_int() || is_float(); }  // as in Python, True is 1
  bool is_string() const { return value_.index() == 5; }
  bool is_list() const { return value_.index() == 6; }
  bool is_tuple() const { return is_list() && std::get<6>(value_)->tuple; }
  bool is_dict() const { return value_.index() == 7; }
  bool is_namespace() const { return value_.index() == 8; }
  bool is_macro() const { return value_.index() == 9; }
  const char *type() const;  // as messages call it

  bool boolean() const { return std::get<2>(value_); }
  const std::string &string() const;  // throws Problem where it is none
  const List &list() const { return std::get<6>(value_)->items; }
  const Dict &dict() const { return std::get<7>(value_)->items; }
  Namespace &names() const { return *std::get<8>(value_); }
  const Statement &macro() const { return *std::get<9>(value_); }
  const std::string &undefined_name() const { return std::get<0>(value_)->name; }
  int64_t integer() const;  // of True and False too; throws Problem where it is none
  double real() const;      // of any number; throws Problem where it is none
  int depth() const;        // of containers: 1 + that of the deepest element; else 0

  bool truth() const;
  const Value *find(std::string_view key) const;  // in a dict; null: absent
};

/// str(value): strings as they are, undefined as nothing.
std::string to_text(const Value &value, Budget &budget);
/// json.dumps(value), letters kept; indent < 0: on one line.
std::string to_json(const Value &value, int indent, Budget &budget);
bool equal(const Value &a, const Value &b, Budget &budget);
/// a < b: -1; a == b: 0; a > b: 1. Throws Problem for what has no order.
int compare(const Value &a, const Value &b, Budget &budget);
/// What a for loop goes over: elements, keys, characters; nothing of undefined. Throws Problem.
List elements(const Value &value, Budget &budget);
int64_t length(const Value &value);  // characters of a string
/// What a look through it costs: bytes of a string, elements of a container.
size_t weight(const Value &value);

std::vector<std::string> characters(const std::string &text);
Value make_string(std::string text, Budget &budget);
Value make_list(List items, Budget &budget);

}  // namespace vtok::jinja
