// JSON schemas as grammars of the JSON they allow.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "models/error.h"
#include "models/grammar.h"
#include "models/json.h"

namespace vtok {
namespace {

using nlohmann::json;

constexpr int kItems = 8, kLength = 64;  // where the schema names no bound
constexpr int kMostItems = 1000, kMostLength = 1024;
constexpr int kMostIntegers = 10000;  // of a range that is told number by number

[[noreturn]] void refuse(const std::string &at, const std::string &what) {
  throw CannotBeMet("the schema" + (at.empty() ? std::string() : " at " + at) + " " + what);
}

class Compiler {
  Grammar &grammar;

  int bound(const json &schema, const char *name, int otherwise, int most, const std::string &at) {
    const auto found = schema.find(name);
    if (found == schema.end()) return otherwise;
    if (!found->is_number_integer() || *found < 0 || *found > most)
      refuse(at, std::string("has ") + name + " " + found->dump() + ", expected a whole number from 0 to " +
                     std::to_string(most));
    return found->get<int>();
  }

  // One character of a JSON text: UTF-8 without ", \ and control characters, or an escape.
  int character(int from) {
    struct Range {
      uint8_t low, high;
    };
    static const std::vector<std::vector<Range>> kCharacters = {
        {{0x20, 0x21}},
        {{0x23, 0x5b}},
        {{0x5d, 0x7e}},
        {{'\\', '\\'}, {'"', '"'}},
        {{'\\', '\\'}, {'\\', '\\'}},
        {{'\\', '\\'}, {'n', 'n'}},
        {{0xc2, 0xdf}, {0x80, 0xbf}},
        {{0xe0, 0xe0}, {0xa0, 0xbf}, {0x80, 0xbf}},
        {{0xe1, 0xec}, {0x80, 0xbf}, {0x80, 0xbf}},
        {{0xed, 0xed}, {0x80, 0x9f}, {0x80, 0xbf}},
        {{0xee, 0xef}, {0x80, 0xbf}, {0x80, 0xbf}},
        {{0xf0, 0xf0}, {0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}},
        {{0xf1, 0xf3}, {0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}},
        {{0xf4, 0xf4}, {0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}};
    return grammar.one_of(from, kCharacters.size(), [&](size_t i, int at) {
      for (const Range &range : kCharacters[i]) at = grammar.bytes(at, range.low, range.high);
      return at;
    });
  }

  int digits(int from, int least, int most) {
    return grammar.repeat(from, least, most, [&](int at) { return grammar.bytes(at, '0', '9'); });
  }

  int whole(int from) {
    from = grammar.repeat(from, 0, 1, [&](int at) { return grammar.text(at, "-"); });
    return grammar.one_of(from, 2, [&](size_t i, int at) {
      return i ? digits(grammar.bytes(at, '1', '9'), 0, 14) : grammar.text(at, "0");
    });
  }

  int integer(const json &schema, int from, const std::string &at) {
    const auto low = schema.find("minimum"), high = schema.find("maximum");
    if (low == schema.end() && high == schema.end()) return whole(from);
    if (low == schema.end() || high == schema.end() || !low->is_number_integer() ||
        !high->is_number_integer())
      refuse(at, "bounds an integer on one side only, or not by whole numbers: give minimum and maximum");
    const auto least = low->get<int64_t>(), most = high->get<int64_t>();
    if (least > most) refuse(at, "has a minimum above its maximum");
    if (uint64_t(most) - uint64_t(least) >= uint64_t(kMostIntegers))
      refuse(at, "has more than " + std::to_string(kMostIntegers) + " integers from minimum to maximum");
    return grammar.one_of(from, size_t(most - least + 1), [&](size_t i, int to) {
      return grammar.text(to, std::to_string(least + int64_t(i)));
    });
  }

  int number(int from) {
    return grammar.repeat(whole(from), 0, 1, [&](int at) { return digits(grammar.text(at, "."), 1, 6); });
  }

  int array(const json &schema, int from, const std::string &at) {
    const auto items = schema.find("items");
    if (items == schema.end()) refuse(at, "is an array without items");
    const int least = bound(schema, "minItems", 0, kMostItems, at),
              most = bound(schema, "maxItems", std::max(least, kItems), kMostItems, at);
    if (least > most) refuse(at, "has more minItems than maxItems");
    from = grammar.text(from, "[");
    const auto item = [&](int to) { return compile(*items, to, at + "/items"); };
    if (most > 0)
      from = grammar.repeat(from, least > 0 ? 1 : 0, 1, [&](int first) {
        return grammar.repeat(item(first), std::max(0, least - 1), most - 1,
                              [&](int to) { return item(grammar.text(to, ", ")); });
      });
    return grammar.text(from, "]");
  }

  int object(const json &schema, int from, const std::string &at) {
    const json none = json::object();
    const auto found = schema.find("properties");
    const json &properties = found == schema.end() ? none : *found;
    if (!properties.is_object()) refuse(at, "has properties that are no object");
    if (const auto required = schema.find("required"); required != schema.end()) {
      if (!required->is_array()) refuse(at, "has required, which is no list");
      for (const json &name : *required)
        if (!name.is_string() || !properties.contains(name.get<std::string>()))
          refuse(at, "requires " + name.dump() + ", which is not among its properties");
    }
    from = grammar.text(from, "{");
    bool first = true;
    for (const auto &[name, property] : properties.items()) {
      from = grammar.text(from, (first ? "" : ", ") + json(name).dump() + ": ");
      from = compile(property, from, at + "/" + name);
      first = false;
    }
    return grammar.text(from, "}");
  }

  int typed(const std::string &type, const json &schema, int from, const std::string &at) {
    if (type == "object") return object(schema, from, at);
    if (type == "array") return array(schema, from, at);
    if (type == "integer") return integer(schema, from, at);
    if (type == "null") return grammar.text(from, "null");
    if (type == "boolean")
      return grammar.one_of(from, 2,
                            [&](size_t i, int to) { return grammar.text(to, i ? "true" : "false"); });
    if (type == "number") {
      if (schema.contains("minimum") || schema.contains("maximum"))
        refuse(at, "bounds a number, which is not known");
      return number(from);
    }
    if (type != "string") refuse(at, "has the type " + json(type).dump() + ", which is not known");
    const int least = bound(schema, "minLength", 0, kMostLength, at),
              most = bound(schema, "maxLength", std::max(least, kLength), kMostLength, at);
    if (least > most) refuse(at, "has a minLength above its maxLength");
    from = grammar.repeat(grammar.text(from, "\""), least, most, [&](int to) { return character(to); });
    return grammar.text(from, "\"");
  }

 public:
  explicit Compiler(Grammar &g) : grammar(g) {}

  int compile(const json &schema, int from, const std::string &at) {
    if (!schema.is_object()) refuse(at, "is " + schema.dump() + ", expected an object");
    static const char *const kKnown[] = {"type",      "properties", "required", "additionalProperties",
                                         "items",     "minItems",   "maxItems", "maxLength",
                                         "minLength", "minimum",    "maximum",  "enum",
                                         "const",     "anyOf",      "title",    "description",
                                         "default",   "examples",   "$schema",  "$id"};
    for (const auto &[name, value] : schema.items())
      if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
        refuse(at, "uses " + json(name).dump() + ", which is not known");
    if (const auto only = schema.find("const"); only != schema.end()) return grammar.text(from, only->dump());
    if (const auto list = schema.find("enum"); list != schema.end()) {
      if (!list->is_array() || list->empty()) refuse(at, "has an enum that is no list of values");
      return grammar.one_of(from, list->size(),
                            [&](size_t i, int to) { return grammar.text(to, (*list)[i].dump()); });
    }
    if (const auto list = schema.find("anyOf"); list != schema.end()) {
      if (!list->is_array() || list->empty()) refuse(at, "has an anyOf that is no list of schemas");
      return grammar.one_of(from, list->size(), [&](size_t i, int to) {
        return compile((*list)[i], to, at + "/anyOf/" + std::to_string(i));
      });
    }
    const auto type = schema.find("type");
    if (type == schema.end()) refuse(at, "has no type");
    const json types = type->is_array() ? *type : json::array({*type});
    if (types.empty() ||
        !std::all_of(types.begin(), types.end(), [](const json &t) { return t.is_string(); }))
      refuse(at, "has a type that is no name");
    return grammar.one_of(from, types.size(), [&](size_t i, int to) {
      return typed(types[i].get<std::string>(), schema, to, at);
    });
  }
};

}  // namespace

Grammar schema_grammar(const std::string &schema) {
  Grammar grammar;
  Compiler compiler(grammar);
  const json parsed = parse_json(schema, "the schema");
  grammar.finish(compiler.compile(parsed, grammar.start(), ""));
  return grammar;
}

}  // namespace vtok
