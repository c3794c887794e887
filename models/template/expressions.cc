// Parses the expressions of a template. One function per level of precedence, as in Jinja's grammar.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/expressions.h"

#include <algorithm>
#include <charconv>

namespace vtok::jinja {
namespace {

constexpr int kParseDepth = 100;
constexpr int kTreeDepth = 1000;  // of an expression's tree, long sums included

void deepen(Expression &parent, const Expression &child) {
  parent.depth = std::max(parent.depth, child.depth + 1);
  if (parent.depth > kTreeDepth)
    fail_at(parent.line, "an expression has more than " + std::to_string(kTreeDepth) + " terms");
}

void adopt(Expression &parent, ExpressionPtr child) {
  if (child) deepen(parent, *child);
  parent.parts.push_back(std::move(child));
}

std::string shown(const Token &token) {
  switch (token.kind) {
    case Token::kTagEnd:
      return "the end of the tag";
    case Token::kOutputEnd:
      return "the end of the expression";
    case Token::kEnd:
      return "the end of the template";
    case Token::kText:
      return "text";
    case Token::kString:
      return "the string '" + token.text + "'";
    default:
      return "'" + token.text + "'";
  }
}

const std::vector<std::vector<std::string_view>> kBinary = {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}};

}  // namespace

ExpressionParser::Level::Level(ExpressionParser &p) : parser(p) {
  if (++parser.depth_ > kParseDepth)
    fail_at(parser.now().line, "nests more than " + std::to_string(kParseDepth) + " deep");
}

bool ExpressionParser::skip(Token::Kind kind, std::string_view text) {
  if (!is(kind, text)) return false;
  ++at_;
  return true;
}

void ExpressionParser::expect(Token::Kind kind, std::string_view text) {
  if (!skip(kind, text)) unexpected(text.empty() ? shown({kind, "", 0}) : "'" + std::string(text) + "'");
}

std::string ExpressionParser::expect_name() {
  if (now().kind != Token::kName) unexpected("a name");
  return tokens_[at_++].text;
}

void ExpressionParser::unexpected(const std::string &expected) const {
  fail_at(now().line, "found " + shown(now()) + ", expected " + expected);
}

ExpressionPtr ExpressionParser::node(Expression::Kind kind, std::string text) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = now().line;
  made->text = std::move(text);
  return made;
}

ExpressionPtr ExpressionParser::tuple(bool conditional) {
  auto first = conditional ? expression() : either();
  if (!is_operator(",")) return first;
  auto all = node(Expression::kTuple);
  adopt(*all, std::move(first));
  while (skip(Token::kOperator, ",")) {
    if (now().kind == Token::kTagEnd || now().kind == Token::kOutputEnd || is_operator(")")) break;
    adopt(*all, conditional ? expression() : either());
  }
  return all;
}

ExpressionPtr ExpressionParser::expression() {
  const Level level(*this);
  auto value = either();
  while (is_name("if")) {
    auto choice = node(Expression::kConditional);
    ++at_;
    adopt(*choice, std::move(value));
    adopt(*choice, either());
    adopt(*choice, skip(Token::kName, "else") ? expression() : nullptr);
    value = std::move(choice);
  }
  return value;
}

ExpressionPtr ExpressionParser::either() {
  auto left = both();
  while (is_name("or")) {
    auto made = node(Expression::kOr);
    ++at_;
    adopt(*made, std::move(left));
    adopt(*made, both());
    left = std::move(made);
  }
  return left;
}

ExpressionPtr ExpressionParser::both() {
  auto left = negation();
  while (is_name("and")) {
    auto made = node(Expression::kAnd);
    ++at_;
    adopt(*made, std::move(left));
    adopt(*made, negation());
    left = std::move(made);
  }
  return left;
}

ExpressionPtr ExpressionParser::negation() {
  const Level level(*this);
  if (!is_name("not")) return comparison();
  auto made = node(Expression::kUnary, "not");
  ++at_;
  adopt(*made, negation());
  return made;
}

ExpressionPtr ExpressionParser::comparison() {
  auto left = binary(0);
  ExpressionPtr made;
  for (;;) {
    std::string operation;
    static constexpr std::string_view kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
    if (now().kind == Token::kOperator &&
        std::find(std::begin(kOperators), std::end(kOperators), now().text) != std::end(kOperators))
      operation = now().text;
    else if (is_name("in"))
      operation = "in";
    else if (is_name("not") && next().kind == Token::kName && next().text == "in")
      operation = "not in";
    else
      break;
    if (!made) {
      made = node(Expression::kCompare);
      adopt(*made, std::move(left));
    }
    at_ += operation == "not in" ? 2 : 1;
    made->operators.push_back(operation);
    adopt(*made, binary(0));
  }
  return made ? std::move(made) : std::move(left);
}

ExpressionPtr ExpressionParser::binary(int level) {
  if (size_t(level) == kBinary.size()) return unary(true);
  const auto &operators = kBinary[size_t(level)];
  auto left = binary(level + 1);
  while (now().kind == Token::kOperator &&
         std::find(operators.begin(), operators.end(), now().text) != operators.end()) {
    auto made = node(Expression::kBinary, now().text);
    ++at_;
    adopt(*made, std::move(left));
    adopt(*made, binary(level + 1));
    left = std::move(made);
  }
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Level level(*this);
  ExpressionPtr value;
  if (is_operator("-") || is_operator("+")) {
    value = node(Expression::kUnary, now().text);
    ++at_;
    adopt(*value, unary(false));
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters(std::move(value)) : std::move(value);
}

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
