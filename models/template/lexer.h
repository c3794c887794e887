// Cuts a template into text, tags and the words inside tags.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <vector>

namespace vtok::jinja {

struct Token {
  enum Kind {
    kText,
    kOutputBegin,
    kOutputEnd,
    kTagBegin,
    kTagEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kOperator,
    kEnd
  } kind;
  std::string text;  // of a string: unescaped
  int line;          // from 1
};

/// Throws std::runtime_error naming the line. White space at tags goes as trim_blocks and lstrip_blocks say;
/// comments go.
std::vector<Token> tokenize(const std::string &source);

/// "chat template, line N: what"
[[noreturn]] void fail_at(int line, const std::string &what);

}  // namespace vtok::jinja
