// A parsed template.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/template/value.h"

namespace vtok::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Expression {
  enum Kind {
    kConstant,   // value
    kName,       // text
    kList,       // parts
    kTuple,      // parts
    kDict,       // parts: key, value, key, value ...
    kAttribute,  // parts[0].text
    kSubscript,  // parts[0][parts[1]]
    kSlice,      // parts[0][parts[1]:parts[2]:parts[3]], each of the three may be null
    kCall,       // parts[0](parts[1...], named...)
    kFilter,     // parts[0] | text(parts[1...], named...)
    kTest,       // parts[0] is text(parts[1...])
    kUnary,      // text parts[0]: "-", "+", "not"
    kBinary,     // parts[0] text parts[1]: arithmetic, "~"
    kAnd,
    kOr,           // parts[0], parts[1]
    kCompare,      // parts[0] operators[0] parts[1] operators[1] parts[2] ...
    kConditional,  // parts[0] if parts[1] else parts[2] (may be null)
  } kind;
  int line;
  int depth = 1;  // of the tree below, itself included
  std::string text;
  Value value;
  std::vector<ExpressionPtr> parts;
  std::vector<std::string> operators;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct Statement {
  enum Kind {
    kText,      // text
    kOutput,    // {{ value }}
    kIf,        // value, body, otherwise
    kFor,       // for names in value if condition: body, else otherwise
    kSet,       // names = value; or names[0].text = value, where text is not empty
    kSetBlock,  // names[0] = what body renders
    kMacro,     // macro text(names with defaults): body
    kBody,      // body alone: {% generation %}
    kBreak,
    kContinue,
  } kind;
  int line;
  std::string text;
  std::vector<std::string> names;
  ExpressionPtr value, condition;
  std::vector<ExpressionPtr> defaults;  // by name, null: none
  Block body, otherwise;
};

/// Throws std::runtime_error naming the line and what was not understood.
Block parse(const std::string &source);

}  // namespace vtok::jinja
