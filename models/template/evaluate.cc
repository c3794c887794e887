// Evaluates the expressions of a parsed template.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctime>

#include "models/template/interpreter.h"
#include "models/template/level.h"
#include "models/template/lexer.h"

namespace vtok::jinja {

Value Interpreter::evaluate(const Expression &e) {
  try {
    const Level level(depth_);
    budget_.spend(16);
    return evaluate_here(e);
  } catch (const Problem &problem) {
    fail_at(e.line, problem.what());
  }
}

Value Interpreter::evaluate_here(const Expression &e) {
  switch (e.kind) {
    case Expression::kConstant:
      return e.value;
    case Expression::kName:
      return lookup(e.text);
    case Expression::kList:
    case Expression::kTuple: {
      List items;
      for (const auto &part : e.parts) items.push_back(evaluate(*part));
      budget_.spend(items.size() * 32);
      return Value(std::move(items), e.kind == Expression::kTuple);
    }
    case Expression::kDict: {
      Dict items;
      for (size_t i = 0; i < e.parts.size(); i += 2) {
        const Value key = evaluate(*e.parts[i]), value = evaluate(*e.parts[i + 1]);
        budget_.spend(32 + items.size());
        bool known = false;
        for (auto &[name, old] : items)
          if (name == key.string()) old = value, known = true;
        if (!known) items.emplace_back(key.string(), value);
      }
      return Value(std::move(items));
    }
    case Expression::kAttribute: {
      const Value object = evaluate(*e.parts[0]);
      budget_.spend(object.is_dict() ? weight(object) : 0);
      return attribute(object, e.text);
    }
    case Expression::kSubscript: {
      const Value object = evaluate(*e.parts[0]);
      return item(object, evaluate(*e.parts[1]), budget_);
    }
    case Expression::kSlice:
      return slice(e);
    case Expression::kCall:
      return call(e);
    case Expression::kFilter: {
      const Value value = evaluate(*e.parts[0]);
      return apply_filter(e.text, value, arguments(e), budget_);
    }
    case Expression::kTest: {
      const Value value = evaluate(*e.parts[0]);
      return Value(apply_test(e.text, value, arguments(e), budget_));
    }
    case Expression::kUnary: {
      const Value value = evaluate(*e.parts[0]);
      if (e.text == "not") return Value(!value.truth());
      return arithmetic(e.text == "-" ? "-" : "+", Value(int64_t(0)), value, budget_);
    }
    case Expression::kBinary: {
      const Value left = evaluate(*e.parts[0]);
      return arithmetic(e.text, left, evaluate(*e.parts[1]), budget_);
    }
    case Expression::kAnd: {
      const Value left = evaluate(*e.parts[0]);
      return left.truth() ? evaluate(*e.parts[1]) : left;
    }
    case Expression::kOr: {
      const Value left = evaluate(*e.parts[0]);
      return left.truth() ? left : evaluate(*e.parts[1]);
    }
    case Expression::kCompare:
      return compare_chain(e);
    case Expression::kConditional:
      if (evaluate(*e.parts[1]).truth()) return evaluate(*e.parts[0]);
      return e.parts[2] ? evaluate(*e.parts[2]) : Value::undefined("a condition without else");
  }
  throw Problem("unknown expression");
}

Value Interpreter::lookup(const std::string &name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (const auto found = scope->find(name); found != scope->end()) return found->second;
  return Value::undefined(name);
}

/// Python's slices: ends counted from the back where negative, cut to the sequence, any step but 0.
Value Interpreter::slice(const Expression &e) {
  const Value object = evaluate(*e.parts[0]);
  if (!object.is_list() && !object.is_string()) throw Problem("cannot slice " + std::string(object.type()));
  const List all = elements(object, budget_);
  const auto n = int64_t(all.size());
  const auto part = [&](size_t i) { return e.parts[i] ? evaluate(*e.parts[i]) : Value(); };
  const Value from = part(1), to = part(2), by = part(3);
  const int64_t step = by.is_none() ? 1 : by.integer();
  if (step == 0) throw Problem("a slice with step 0");
  const auto end = [&](const Value &value, int64_t fallback) {
    if (value.is_none()) return fallback;
    int64_t at = value.integer();
    if (at < 0) at = at < -n ? -1 : at + n;
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    return at < low ? low : at > high ? high : at;
  };
  const int64_t begin = end(from, step > 0 ? 0 : n - 1), stop = end(to, step > 0 ? n : -1);
  List picked;
  for (int64_t i = begin; step > 0 ? i < stop : i > stop;) {
    picked.push_back(all[size_t(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  if (object.is_list()) return Value(std::move(picked), object.is_tuple());
  std::string text;
  for (const Value &character : picked) text += character.string();
  return make_string(std::move(text), budget_);
}

Value Interpreter::compare_chain(const Expression &e) {
  Value left = evaluate(*e.parts[0]);
  for (size_t i = 0; i < e.operators.size(); ++i) {
    const std::string &operation = e.operators[i];
    Value right = evaluate(*e.parts[i + 1]);
    bool holds;
    if (operation == "==")
      holds = equal(left, right, budget_);
    else if (operation == "!=")
      holds = !equal(left, right, budget_);
    else if (operation == "in")
      holds = contains(right, left, budget_);
    else if (operation == "not in")
      holds = !contains(right, left, budget_);
    else {
      const int order = compare(left, right, budget_);
      holds = operation == "<"    ? order < 0
              : operation == "<=" ? order <= 0
              : operation == ">"  ? order > 0
                                  : order >= 0;
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Arguments Interpreter::arguments(const Expression &e) {
  List positional;
  for (size_t i = 1; i < e.parts.size(); ++i) positional.push_back(evaluate(*e.parts[i]));
  std::vector<std::pair<std::string, Value>> named;
  for (const auto &[name, value] : e.named) named.emplace_back(name, evaluate(*value));
  return {std::move(positional), std::move(named)};
}

Value Interpreter::call(const Expression &e) {
  const Expression &callee = *e.parts[0];
  if (callee.kind == Expression::kAttribute) {
    const Value object = evaluate(*callee.parts[0]);
    if (object.is_namespace())
      if (const Value field = attribute(object, callee.text); field.is_macro())
        return call_macro(field.macro(), arguments(e));
    return call_method(object, callee.text, arguments(e), budget_);
  }
  const Value function = evaluate(callee);
  if (function.is_macro()) return call_macro(function.macro(), arguments(e));
  if (function.is_undefined() && callee.kind == Expression::kName)
    return call_function(callee.text, arguments(e));
  throw Problem(std::string(function.type()) + " cannot be called");
}

Value Interpreter::call_function(const std::string &name, Arguments given) {
  Value result;
  if (name == "raise_exception") {
    throw Problem(to_text(given.need(0, "message"), budget_));
  } else if (name == "namespace") {
    budget_.spend(512);
    namespaces_.push_back(std::make_unique<Namespace>());
    for (auto &[field, value] : given.take_named()) namespaces_.back()->fields[field] = value;
    result = Value(namespaces_.back().get());
  } else if (name == "dict") {
    result = Value(Dict(given.take_named()));
  } else if (name == "range") {
    int64_t from = given.need(0, "start").integer(), to = 0, step = 1;
    if (const Value *stop = given.take(1, ""))
      to = stop->integer(), step = given.get(2, "", Value(int64_t(1))).integer();
    else
      std::swap(from, to);
    if (step == 0) throw Problem("range() with step 0");
    List all;
    for (; step > 0 ? from < to : from > to;) {
      budget_.spend(32);
      all.push_back(Value(from));
      if (__builtin_add_overflow(from, step, &from)) break;
    }
    result = Value(std::move(all));
  } else if (name == "strftime_now") {
    const std::time_t now = std::time(nullptr);
    std::tm local;
    char text[256];
    localtime_r(&now, &local);
    result = Value(std::string(
        text, std::strftime(text, sizeof text, given.need(0, "format").string().c_str(), &local)));
  } else {
    throw Problem("the function '" + name + "' is not supported");
  }
  given.finish();
  return result;
}

/// A macro sees the template's own names, not those of the place it is called from.
Value Interpreter::call_macro(const Statement &macro, Arguments given) {
  std::vector<Scope> outer(std::make_move_iterator(scopes_.begin() + 2),
                           std::make_move_iterator(scopes_.end()));
  scopes_.resize(2);
  Scope scope;
  for (size_t i = 0; i < macro.names.size(); ++i) {
    const Value *value = given.take(i, macro.names[i]);
    scope[macro.names[i]] = value               ? *value
                            : macro.defaults[i] ? evaluate(*macro.defaults[i])
                                                : Value::undefined(macro.names[i]);
  }
  given.finish();
  scopes_.push_back(std::move(scope));
  std::string text = captured(macro.body);
  scopes_.resize(2);
  scopes_.insert(scopes_.end(), std::make_move_iterator(outer.begin()), std::make_move_iterator(outer.end()));
  return Value(std::move(text));
}

}  // namespace vtok::jinja
