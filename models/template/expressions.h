// Parses the expressions of a template.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "models/template/ast.h"
#include "models/template/lexer.h"

namespace vtok::jinja {

class ExpressionParser {
 protected:
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;  // of nested expressions and statements

  const Token &now() const { return tokens_[at_]; }
  const Token &next() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  bool is(Token::Kind kind, std::string_view text) const { return now().kind == kind && now().text == text; }
  bool is_operator(std::string_view text) const { return is(Token::kOperator, text); }
  bool is_name(std::string_view text) const { return is(Token::kName, text); }
  bool skip(Token::Kind kind, std::string_view text);
  void expect(Token::Kind kind, std::string_view text);
  std::string expect_name();
  [[noreturn]] void unexpected(const std::string &expected) const;
  ExpressionPtr node(Expression::Kind kind, std::string text = "") const;
  static void deepen(Expression &parent, const Expression &child);  // throws where the tree becomes too deep
  static void adopt(Expression &parent, ExpressionPtr child);

  /// Counts how deep the parser is in itself.
  struct Level {
    ExpressionParser &parser;
    explicit Level(ExpressionParser &p);
    ~Level() { --parser.depth_; }
  };

  ExpressionPtr tuple(bool conditional);  // one expression, or several with commas
  ExpressionPtr expression();             // a if b else c
  ExpressionPtr either();                 // or

 private:
  ExpressionPtr both();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr binary(int level);
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr brackets();
  ExpressionPtr braces();
  ExpressionPtr postfix(ExpressionPtr inner);
  ExpressionPtr subscript(ExpressionPtr inner);
  ExpressionPtr filters(ExpressionPtr inner);
  ExpressionPtr test(ExpressionPtr inner);
  void arguments(Expression &call);

 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
};

}  // namespace vtok::jinja
