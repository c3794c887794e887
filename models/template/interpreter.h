// Runs a parsed template.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/template/ast.h"
#include "models/template/builtins.h"

namespace vtok::jinja {

class Interpreter {
  enum class Flow { kOn, kBreak, kContinue };
  using Scope = std::map<std::string, Value>;

  Budget budget_;
  std::vector<Scope> scopes_;  // 0: the caller's variables; 1: the template's own; then loops and macros
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  std::string out_;
  int depth_ = 0;  // of evaluations and statements in each other

  struct Level;

  Flow run(const Block &block);
  Flow run(const Statement &statement);
  Flow loop(const Statement &statement);
  void assign(const Statement &statement);
  void bind(const std::vector<std::string> &names, const Value &value);
  std::string captured(const Block &block);
  void write(const std::string &text);

  Value evaluate(const Expression &e);
  Value evaluate_here(const Expression &e);
  Value lookup(const std::string &name);
  Value slice(const Expression &e);
  Value call(const Expression &e);
  Value call_function(const std::string &name, Arguments arguments);
  Value call_macro(const Statement &macro, Arguments arguments);
  Value compare_chain(const Expression &e);
  Arguments arguments(const Expression &e);

 public:
  explicit Interpreter(const Value &variables);
  std::string render(const Block &block);
};

/// a + b and the like, on values.
Value arithmetic(const std::string &operation, const Value &a, const Value &b, Budget &budget);

}  // namespace vtok::jinja
