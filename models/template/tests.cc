// Tests of a template: "x is defined" and the like.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utf8proc.h>

#include "models/template/builtins.h"

namespace vtok::jinja {
namespace {

using Test = bool (*)(const Value &, Arguments &, Budget &);

template <int kLow, int kHigh>
bool ordered(const Value &value, Arguments &arguments, Budget &budget) {
  const int order = compare(value, arguments.need(0, "other"), budget);
  return order >= kLow && order <= kHigh;
}
bool equals(const Value &value, Arguments &arguments, Budget &budget) {
  return equal(value, arguments.need(0, "other"), budget);
}

struct Row {
  const char *name;
  Test test;
};
#define VTOK_TEST(condition) [](const Value &value, Arguments &, Budget &) -> bool { return condition; }
const Row kTests[] = {
    {"defined", VTOK_TEST(!value.is_undefined())},
    {"undefined", VTOK_TEST(value.is_undefined())},
    {"none", VTOK_TEST(value.is_none())},
    {"boolean", VTOK_TEST(value.is_bool())},
    {"true", VTOK_TEST(value.is_bool() && value.boolean())},
    {"false", VTOK_TEST(value.is_bool() && !value.boolean())},
    {"integer", VTOK_TEST(value.is_int())},
    {"float", VTOK_TEST(value.is_float())},
    {"number", VTOK_TEST(value.is_number())},
    {"string", VTOK_TEST(value.is_string())},
    {"mapping", VTOK_TEST(value.is_dict())},
    {"sequence", VTOK_TEST(value.is_list() || value.is_string() || value.is_dict() || value.is_undefined())},
    {"iterable", VTOK_TEST(value.is_list() || value.is_string() || value.is_dict() || value.is_undefined())},
    {"callable", VTOK_TEST(value.is_macro())},
    {"odd", VTOK_TEST(value.integer() % 2 != 0)},
    {"even", VTOK_TEST(value.integer() % 2 == 0)},
    {"lower", VTOK_TEST(value.string() == lower(value.string()) && value.string() != upper(value.string()))},
    {"upper", VTOK_TEST(value.string() == upper(value.string()) && value.string() != lower(value.string()))},
    {"equalto", equals},
    {"eq", equals},
    {"==", equals},
    {"sameas", equals},
    {"ne", [](const Value &v, Arguments &a, Budget &b) { return !equals(v, a, b); }},
    {"lt", ordered<-1, -1>},
    {"lessthan", ordered<-1, -1>},
    {"le", ordered<-1, 0>},
    {"gt", ordered<1, 1>},
    {"greaterthan", ordered<1, 1>},
    {"ge", ordered<0, 1>},
    {"in", [](const Value &v, Arguments &a, Budget &b) { return contains(a.need(0, "seq"), v, b); }},
    {"divisibleby",
     [](const Value &v, Arguments &a, Budget &) {
       const int64_t by = a.need(0, "num").integer();
       if (by == 0) throw Problem("division by zero");
       return by == -1 || v.integer() % by == 0;
     }},
};
#undef VTOK_TEST

}  // namespace

bool apply_test(const std::string &name, const Value &value, Arguments arguments, Budget &budget) {
  budget.spend(16 + weight(value));
  for (const Row &row : kTests) {
    if (name != row.name) continue;
    const bool result = row.test(value, arguments, budget);
    arguments.finish();
    return result;
  }
  throw Problem("the test '" + name + "' is not supported");
}

}  // namespace vtok::jinja
