// Arithmetic of the template language: Python's, with 64-bit integers that must not overflow.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>

#include "models/template/interpreter.h"

namespace vtok::jinja {
namespace {

Value whole(bool overflow,
            const int64_t &result) {  // by reference: the overflow check that writes it may come later
  if (overflow) throw Problem("a number is too large");
  return Value(result);
}

Value power(const Value &a, const Value &b) {
  if (a.is_float() || b.is_float() || b.integer() < 0) return Value(std::pow(a.real(), b.real()));
  int64_t result = 1, base = a.integer(), exponent = b.integer();
  bool overflow = false;
  for (; exponent && !overflow; exponent >>= 1) {
    if (exponent & 1) overflow = __builtin_mul_overflow(result, base, &result);
    if (exponent > 1) overflow = __builtin_mul_overflow(base, base, &base) || overflow;
  }
  return whole(overflow, result);
}

Value numbers(const std::string &operation, const Value &a, const Value &b) {
  const bool real = a.is_float() || b.is_float();
  int64_t result = 0;
  if (operation == "**") return power(a, b);
  if (operation == "/" || operation == "//" || operation == "%")
    if (b.real() == 0) throw Problem("division by zero");
  if (operation == "/") return Value(a.real() / b.real());
  if (real) {
    const double x = a.real(), y = b.real();
    if (operation == "+") return Value(x + y);
    if (operation == "-") return Value(x - y);
    if (operation == "*") return Value(x * y);
    if (operation == "//") return Value(std::floor(x / y));
    return Value(x - y * std::floor(x / y));
  }
  const int64_t x = a.integer(), y = b.integer();
  if (operation == "+") return whole(__builtin_add_overflow(x, y, &result), result);
  if (operation == "-") return whole(__builtin_sub_overflow(x, y, &result), result);
  if (operation == "*") return whole(__builtin_mul_overflow(x, y, &result), result);
  if (y == -1)
    return operation == "//" ? whole(__builtin_sub_overflow(0, x, &result), result) : Value(int64_t(0));
  const int64_t down = x / y - ((x % y != 0) && ((x < 0) != (y < 0)));  // rounded down, as Python does
  return operation == "//" ? Value(down) : Value(x - down * y);
}

Value repeated(const Value &value, int64_t times, Budget &budget) {
  const size_t n = times > 0 ? size_t(times) : 0;
  if (value.is_string()) {
    std::string out;
    for (size_t i = 0; i < n && !value.string().empty(); ++i) {
      budget.spend(16 + value.string().size());
      out += value.string();
    }
    return Value(std::move(out));
  }
  List out;
  for (size_t i = 0; i < n && !value.list().empty(); ++i) {
    budget.spend(value.list().size() * 32);
    out.insert(out.end(), value.list().begin(), value.list().end());
  }
  return Value(std::move(out));
}

}  // namespace

Value arithmetic(const std::string &operation, const Value &a, const Value &b, Budget &budget) {
  if (operation == "~") return Value(to_text(a, budget) + to_text(b, budget));
  for (const Value *side : {&a, &b})
    if (side->is_undefined()) throw Problem("'" + side->undefined_name() + "' is undefined");
  if (a.is_number() && b.is_number()) return numbers(operation, a, b);
  if (operation == "+" && a.is_string() && b.is_string()) return make_string(a.string() + b.string(), budget);
  if (operation == "+" && a.is_list() && b.is_list()) {
    List both = a.list();
    both.insert(both.end(), b.list().begin(), b.list().end());
    return make_list(std::move(both), budget);
  }
  if (operation == "*" && (a.is_string() || a.is_list()) && b.is_number())
    return repeated(a, b.integer(), budget);
  if (operation == "*" && (b.is_string() || b.is_list()) && a.is_number())
    return repeated(b, a.integer(), budget);
  throw Problem("cannot compute " + std::string(a.type()) + " " + operation + " " + b.type());
}

}  // namespace vtok::jinja
