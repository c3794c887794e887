// Filters of numbers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <charconv>
#include <cmath>

#include "models/template/filters.h"

namespace vtok::jinja {
namespace {

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

constexpr FilterRow kRows[] = {
    {"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round_number}};

}  // namespace

std::span<const FilterRow> number_filters() { return kRows; }

}  // namespace vtok::jinja
