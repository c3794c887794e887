// Parses the statements of a template.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/expressions.h"

namespace vtok::jinja {
namespace {

class Parser : ExpressionParser {
  int loops_ = 0;  // for loops around this place

  std::unique_ptr<Statement> made(Statement::Kind kind) const {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = now().line;
    return statement;
  }

  void end_tag() { expect(Token::kTagEnd, ""); }

  /// Statements up to a tag whose name is one of `ends`; that tag's name is taken, what follows it is not.
  Block block(std::initializer_list<std::string_view> ends, std::string &ended_by) {
    const Level level(*this);
    const int begun = now().line;
    Block all;
    for (;;) {
      if (now().kind == Token::kText) {
        auto text = made(Statement::kText);
        text->text = now().text;
        ++at_;
        all.push_back(std::move(text));
      } else if (now().kind == Token::kOutputBegin) {
        auto output = made(Statement::kOutput);
        ++at_;
        output->value = tuple(true);
        expect(Token::kOutputEnd, "");
        all.push_back(std::move(output));
      } else if (now().kind == Token::kTagBegin) {
        const std::string &name = next().text;
        for (const auto end : ends) {
          if (next().kind != Token::kName || name != end) continue;
          at_ += 2;
          ended_by = end;
          return all;
        }
        all.push_back(statement());
      } else if (ends.size() == 0) {
        return all;
      } else {
        fail_at(begun,
                "expected '{% " + std::string(*(ends.end() - 1)) + " %}', found the end of the template");
      }
    }
  }

  Block body(std::string_view end) {
    end_tag();
    std::string ended;
    Block all = block({end}, ended);
    if (end == "endmacro" && now().kind == Token::kName) ++at_;  // may repeat the macro's name
    end_tag();
    return all;
  }

  std::unique_ptr<Statement> statement() {
    ++at_;
    const std::string name = expect_name();
    if (name == "if") return branches();
    if (name == "for") return loop();
    if (name == "set") return assignment();
    if (name == "macro") return macro();
    if (name == "generation") {
      auto generation = made(Statement::kBody);
      generation->body = body("endgeneration");
      return generation;
    }
    if (name == "break" || name == "continue") {
      if (!loops_) fail_at(now().line, "'" + name + "' outside a loop");
      auto jump = made(name == "break" ? Statement::kBreak : Statement::kContinue);
      end_tag();
      return jump;
    }
    --at_;
    fail_at(now().line, "the tag '" + name + "' is not supported here");
  }

  std::unique_ptr<Statement> branches() {
    const Level level(*this);  // an elif is an if inside the else
    auto choice = made(Statement::kIf);
    choice->value = tuple(true);
    end_tag();
    std::string ended;
    choice->body = block({"elif", "else", "endif"}, ended);
    if (ended == "elif") {
      choice->otherwise.push_back(branches());
      return choice;
    }
    end_tag();
    if (ended == "else") {
      choice->otherwise = block({"endif"}, ended);
      end_tag();
    }
    return choice;
  }

  std::vector<std::string> targets() {
    const bool bracket = skip(Token::kOperator, "(");
    std::vector<std::string> names = {expect_name()};
    while (skip(Token::kOperator, ",")) names.push_back(expect_name());
    if (bracket) expect(Token::kOperator, ")");
    return names;
  }

  std::unique_ptr<Statement> loop() {
    auto made_loop = made(Statement::kFor);
    made_loop->names = targets();
    expect(Token::kName, "in");
    made_loop->value = tuple(false);
    if (skip(Token::kName, "if")) made_loop->condition = expression();
    if (is_name("recursive")) fail_at(now().line, "recursive loops are not supported");
    end_tag();
    std::string ended;
    ++loops_;
    made_loop->body = block({"else", "endfor"}, ended);
    --loops_;
    end_tag();
    if (ended == "else") {
      made_loop->otherwise = block({"endfor"}, ended);
      end_tag();
    }
    return made_loop;
  }

  std::unique_ptr<Statement> assignment() {
    auto set = made(Statement::kSet);
    set->names = targets();
    if (set->names.size() == 1 && skip(Token::kOperator, ".")) set->text = expect_name();
    if (skip(Token::kOperator, "=")) {
      set->value = tuple(true);
      end_tag();
      return set;
    }
    if (is_operator("|")) fail_at(now().line, "filters of a set block are not supported");
    if (set->names.size() != 1 || !set->text.empty()) unexpected("'='");
    set->kind = Statement::kSetBlock;
    set->body = body("endset");
    return set;
  }

  std::unique_ptr<Statement> macro() {
    auto made_macro = made(Statement::kMacro);
    made_macro->text = expect_name();
    expect(Token::kOperator, "(");
    while (!is_operator(")")) {
      made_macro->names.push_back(expect_name());
      made_macro->defaults.push_back(skip(Token::kOperator, "=") ? expression() : nullptr);
      if (!skip(Token::kOperator, ",")) break;
    }
    expect(Token::kOperator, ")");
    const int around = loops_;
    loops_ = 0;
    made_macro->body = body("endmacro");
    loops_ = around;
    return made_macro;
  }

 public:
  using ExpressionParser::ExpressionParser;
  Block run() {
    std::string ended;
    return block({}, ended);
  }
};

}  // namespace

Block parse(const std::string &source) { return Parser(tokenize(source)).run(); }

}  // namespace vtok::jinja
