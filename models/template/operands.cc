// Parses what operators of a template apply to: literals, names, calls, indices, filters, tests.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <charconv>

#include "models/template/expressions.h"

namespace vtok::jinja {

ExpressionPtr ExpressionParser::primary() {
  const Token &token = now();
  auto made = node(Expression::kConstant);
  switch (token.kind) {
    case Token::kName:
      ++at_;
      if (token.text == "true" || token.text == "True")
        made->value = Value(true);
      else if (token.text == "false" || token.text == "False")
        made->value = Value(false);
      else if (token.text != "none" && token.text != "None") {
        made->kind = Expression::kName;
        made->text = token.text;
      }
      return made;
    case Token::kString: {
      std::string text;
      for (; now().kind == Token::kString; ++at_) text += now().text;  // neighbours join
      made->value = Value(std::move(text));
      return made;
    }
    case Token::kInteger: {
      int64_t number = 0;
      const auto end = token.text.data() + token.text.size();
      if (std::from_chars(token.text.data(), end, number).ec != std::errc())
        fail_at(token.line, "the number " + token.text + " is too large");
      made->value = Value(number);
      ++at_;
      return made;
    }
    case Token::kFloat: {
      double number = 0;
      const auto end = token.text.data() + token.text.size();
      if (std::from_chars(token.text.data(), end, number).ec != std::errc())
        fail_at(token.line, "the number " + token.text + " is out of range");
      made->value = Value(number);
      ++at_;
      return made;
    }
    default:
      break;
  }
  if (skip(Token::kOperator, "(")) {
    if (skip(Token::kOperator, ")")) return node(Expression::kTuple);
    auto inner = tuple(true);
    expect(Token::kOperator, ")");
    return inner;
  }
  if (skip(Token::kOperator, "[")) return brackets();
  if (skip(Token::kOperator, "{")) return braces();
  unexpected("a value");
}

ExpressionPtr ExpressionParser::brackets() {
  auto list = node(Expression::kList);
  while (!is_operator("]")) {
    adopt(*list, expression());
    if (!skip(Token::kOperator, ",")) break;
  }
  expect(Token::kOperator, "]");
  return list;
}

ExpressionPtr ExpressionParser::braces() {
  auto dict = node(Expression::kDict);
  while (!is_operator("}")) {
    adopt(*dict, expression());
    expect(Token::kOperator, ":");
    adopt(*dict, expression());
    if (!skip(Token::kOperator, ",")) break;
  }
  expect(Token::kOperator, "}");
  return dict;
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr inner) {
  for (;;) {
    if (is_operator("(")) {
      auto call = node(Expression::kCall);
      adopt(*call, std::move(inner));
      arguments(*call);
      inner = std::move(call);
    } else if (skip(Token::kOperator, ".")) {
      auto made = node(Expression::kAttribute);
      if (now().kind == Token::kInteger) {
        made->kind = Expression::kSubscript;
        adopt(*made, std::move(inner));
        adopt(*made, primary());
      } else {
        made->text = expect_name();
        adopt(*made, std::move(inner));
      }
      inner = std::move(made);
    } else if (skip(Token::kOperator, "[")) {
      inner = subscript(std::move(inner));
    } else {
      return inner;
    }
  }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr inner) {
  auto made = node(Expression::kSubscript);
  adopt(*made, std::move(inner));
  const auto part = [&]() -> ExpressionPtr {
    return is_operator(":") || is_operator("]") ? nullptr : expression();
  };
  adopt(*made, part());
  if (is_operator(":")) {
    made->kind = Expression::kSlice;
    for (int i = 0; i < 2; ++i) adopt(*made, skip(Token::kOperator, ":") ? part() : nullptr);
  } else if (!made->parts[1]) {
    unexpected("an index");
  }
  expect(Token::kOperator, "]");
  return made;
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr inner) {
  for (;;) {
    if (skip(Token::kOperator, "|")) {
      auto made = node(Expression::kFilter);
      made->text = expect_name();
      adopt(*made, std::move(inner));
      if (is_operator("(")) arguments(*made);
      inner = std::move(made);
    } else if (is_name("is")) {
      ++at_;
      inner = test(std::move(inner));
    } else if (is_operator("(")) {
      inner = postfix(std::move(inner));
    } else {
      return inner;
    }
  }
}

ExpressionPtr ExpressionParser::test(ExpressionPtr inner) {
  const bool negated = skip(Token::kName, "not");
  auto made = node(Expression::kTest);
  made->text = expect_name();
  adopt(*made, std::move(inner));
  const Token &token = now();
  const bool word = token.kind == Token::kName && token.text != "else" && token.text != "or" &&
                    token.text != "and" && token.text != "if" && token.text != "is" && token.text != "in" &&
                    token.text != "not";
  if (is_operator("("))
    arguments(*made);
  else if (word || token.kind == Token::kString || token.kind == Token::kInteger ||
           token.kind == Token::kFloat || is_operator("[") || is_operator("{"))
    adopt(*made, postfix(primary()));
  if (!negated) return made;
  auto opposite = node(Expression::kUnary, "not");
  adopt(*opposite, std::move(made));
  return opposite;
}

void ExpressionParser::arguments(Expression &call) {
  expect(Token::kOperator, "(");
  while (!is_operator(")")) {
    if (is_operator("*") || is_operator("**")) fail_at(now().line, "unpacking of arguments is not supported");
    if (now().kind == Token::kName && next().kind == Token::kOperator && next().text == "=") {
      std::string name = expect_name();
      ++at_;
      auto value = expression();
      deepen(call, *value);
      call.named.emplace_back(std::move(name), std::move(value));
    } else {
      adopt(call, expression());
    }
    if (!skip(Token::kOperator, ",")) break;
  }
  expect(Token::kOperator, ")");
}

}  // namespace vtok::jinja
