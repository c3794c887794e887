// Runs the statements of a parsed template.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/interpreter.h"

#include "models/template/level.h"
#include "models/template/lexer.h"

namespace vtok::jinja {

Interpreter::Interpreter(const Value &variables) : scopes_(2) {
  for (const auto &[name, value] : variables.dict()) scopes_[0].emplace(name, value);
}

std::string Interpreter::render(const Block &block) {
  run(block);
  return std::move(out_);
}

Interpreter::Flow Interpreter::run(const Block &block) {
  for (const auto &statement : block)
    if (const Flow flow = run(*statement); flow != Flow::kOn) return flow;
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run(const Statement &statement) {
  const Level level(depth_);
  try {
    budget_.spend(16);
    switch (statement.kind) {
      case Statement::kText:
        write(statement.text);
        break;
      case Statement::kOutput:
        write(to_text(evaluate(*statement.value), budget_));
        break;
      case Statement::kIf:
        return run(evaluate(*statement.value).truth() ? statement.body : statement.otherwise);
      case Statement::kFor:
        return loop(statement);
      case Statement::kSet:
        assign(statement);
        break;
      case Statement::kSetBlock:
        scopes_.back()[statement.names[0]] = Value(captured(statement.body));
        break;
      case Statement::kMacro:
        scopes_.back()[statement.text] = Value(&statement);
        break;
      case Statement::kBody:
        return run(statement.body);
      case Statement::kBreak:
        return Flow::kBreak;
      case Statement::kContinue:
        return Flow::kContinue;
    }
  } catch (const Problem &problem) {
    fail_at(statement.line, problem.what());
  }
  return Flow::kOn;
}

void Interpreter::write(const std::string &text) {
  budget_.spend(text.size());
  out_ += text;
}

std::string Interpreter::captured(const Block &block) {
  std::string outer = std::move(out_);
  out_.clear();
  run(block);
  std::swap(out_, outer);
  return outer;
}

void Interpreter::bind(const std::vector<std::string> &names, const Value &value) {
  if (names.size() == 1) {
    scopes_.back()[names[0]] = value;
    return;
  }
  const List parts = elements(value, budget_);
  if (parts.size() != names.size())
    throw Problem("cannot unpack " + std::to_string(parts.size()) + " values into " +
                  std::to_string(names.size()) + " names");
  for (size_t i = 0; i < names.size(); ++i) scopes_.back()[names[i]] = parts[i];
}

void Interpreter::assign(const Statement &statement) {
  const Value value = evaluate(*statement.value);
  if (statement.text.empty()) return bind(statement.names, value);
  const Value target = lookup(statement.names[0]);
  if (!target.is_namespace())
    throw Problem("'" + statement.names[0] + "' is " + target.type() +
                  ", only a namespace's fields can be set");
  if (statement.text[0] == '_') throw Problem("the field '" + statement.text + "' cannot be set");
  target.names().fields[statement.text] = value;
}

Interpreter::Flow Interpreter::loop(const Statement &statement) {
  List items = elements(evaluate(*statement.value), budget_);
  scopes_.emplace_back();
  if (statement.condition) {
    List passed;
    for (const Value &one : items) {
      bind(statement.names, one);
      if (evaluate(*statement.condition).truth()) passed.push_back(one);
    }
    items = std::move(passed);
  }
  const auto n = int64_t(items.size());
  for (int64_t i = 0; i < n; ++i) {
    scopes_.back().clear();
    budget_.spend(320);
    const auto neighbour = [&](int64_t at) {
      return at >= 0 && at < n ? items[size_t(at)] : Value::undefined("a neighbour outside the loop");
    };
    scopes_.back()["loop"] = Value(Dict{{"index", Value(i + 1)},
                                        {"index0", Value(i)},
                                        {"revindex", Value(n - i)},
                                        {"revindex0", Value(n - i - 1)},
                                        {"first", Value(i == 0)},
                                        {"last", Value(i == n - 1)},
                                        {"length", Value(n)},
                                        {"previtem", neighbour(i - 1)},
                                        {"nextitem", neighbour(i + 1)}});
    bind(statement.names, items[size_t(i)]);
    if (run(statement.body) == Flow::kBreak) break;
  }
  scopes_.pop_back();
  return n ? Flow::kOn : run(statement.otherwise);
}

}  // namespace vtok::jinja
