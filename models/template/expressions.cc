// Parses the operators of a template: one function per level of precedence, as in Jinja's grammar.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/expressions.h"

#include <algorithm>

namespace vtok::jinja {
namespace {

constexpr int kParseDepth = 100;

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

void ExpressionParser::deepen(Expression &parent, const Expression &child) {
  constexpr int kTreeDepth = 1000;  // of an expression's tree, long sums included
  parent.depth = std::max(parent.depth, child.depth + 1);
  if (parent.depth > kTreeDepth)
    fail_at(parent.line, "an expression has more than " + std::to_string(kTreeDepth) + " terms");
}

void ExpressionParser::adopt(Expression &parent, ExpressionPtr child) {
  if (child) deepen(parent, *child);
  parent.parts.push_back(std::move(child));
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

}  // namespace vtok::jinja
