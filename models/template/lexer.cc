// Cuts a template into text, tags and the words inside tags.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/template/lexer.h"

#include <stdexcept>
#include <string_view>

#include "models/tokenizer/utf8.h"

namespace vtok::jinja {
namespace {

bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || uint8_t(c) >= 0x80;
}

/// Line ends as "\n"; one at the very end goes, as Jinja does.
std::string with_newlines(const std::string &source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    const bool pair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
    if (!pair) out += source[i] == '\r' ? '\n' : source[i];
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
  const std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_start_ = true;  // what was last cut off ended in a line end
  std::vector<Token> tokens_;

  bool here(std::string_view text) const { return source_.compare(at_, text.size(), text) == 0; }
  void step(size_t n) {
    for (const size_t end = std::min(source_.size(), at_ + n); at_ < end; ++at_)
      line_ += source_[at_] == '\n';
  }
  void push(Token::Kind kind, std::string text = "") { tokens_.push_back({kind, std::move(text), line_}); }

  /// Text up to the next tag at `end`; what the tag's marks say about the white space before it.
  void text(size_t end, bool strip, bool own_line) {
    std::string data = source_.substr(at_, end - at_);
    if (strip) {
      while (!data.empty() && space(data.back())) data.pop_back();
    } else if (own_line) {
      const size_t newline = data.rfind('\n');
      const size_t start = newline == std::string::npos ? 0 : newline + 1;
      if ((start || line_start_) && data.find_first_not_of(" \t\v\f\r", start) == std::string::npos)
        data.resize(start);
    }
    if (!data.empty()) push(Token::kText, data);
    step(end - at_);
  }

  /// After a tag's closing mark: "-" takes all white space, a block's end its line end.
  void after_tag(bool strip, bool trim) {
    line_start_ = false;
    const size_t from = at_;
    if (strip)
      while (at_ < source_.size() && space(source_[at_])) step(1);
    else if (trim && at_ < source_.size() && source_[at_] == '\n')
      step(1);
    line_start_ = at_ > from && source_[at_ - 1] == '\n';
  }

  void comment() {
    const int begun = line_;
    const size_t end = source_.find("#}", at_ + 2);
    if (end == std::string::npos) fail_at(begun, "a comment is not closed");
    const char mark = end > at_ + 2 ? source_[end - 1] : ' ';
    step(end + 2 - at_);
    after_tag(mark == '-', mark != '+');
  }

  /// {% raw %}...{% endraw %}; false where the tag here is another one.
  bool raw() {
    const auto tag = [&](size_t from, std::string_view name, bool &strip_before,
                         bool &strip_after) -> size_t {
      size_t i = from + 2;
      strip_before = i < source_.size() && source_[i] == '-';
      if (i < source_.size() && (source_[i] == '-' || source_[i] == '+')) ++i;
      while (i < source_.size() && space(source_[i])) ++i;
      if (source_.compare(i, name.size(), name) != 0) return 0;
      i += name.size();
      while (i < source_.size() && space(source_[i])) ++i;
      strip_after = i < source_.size() && source_[i] == '-';
      if (strip_after) ++i;
      return source_.compare(i, 2, "%}") == 0 ? i + 2 : 0;
    };
    bool before, after;
    const size_t begin = tag(at_, "raw", before, after);
    if (!begin) return false;
    const int begun = line_;
    step(begin - at_);
    after_tag(after, true);
    for (size_t i = source_.find("{%", at_); i != std::string::npos; i = source_.find("{%", i + 2)) {
      const size_t end = tag(i, "endraw", before, after);
      if (!end) continue;
      text(i, before, true);
      step(end - at_);
      after_tag(after, true);
      return true;
    }
    fail_at(begun, "a raw block is not closed");
  }

  void string() {
    const int begun = line_;
    const char quote = source_[at_];
    std::string out;
    step(1);
    while (at_ < source_.size() && source_[at_] != quote) {
      if (source_[at_] != '\\') {
        out += source_[at_];
        step(1);
        continue;
      }
      step(1);
      if (at_ < source_.size()) escape(out);
    }
    if (at_ >= source_.size()) fail_at(begun, "a string is not closed");
    step(1);
    tokens_.push_back({Token::kString, out, begun});
  }

  void escape(std::string &out) {
    static constexpr std::string_view kNames = "ntrbfav0'\"\\", kValues("\n\t\r\b\f\a\v\0'\"\\", 11);
    const char c = source_[at_];
    step(1);
    if (const size_t name = kNames.find(c); name != std::string_view::npos) {
      out += kValues[name];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const int digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      char32_t code = 0;
      for (int i = 0; i < digits; ++i) {
        const size_t value = at_ < source_.size()
                                 ? std::string_view("0123456789abcdefABCDEF").find(source_[at_])
                                 : std::string_view::npos;
        if (value == std::string_view::npos) fail_at(line_, std::string("a string has an incomplete \\") + c);
        code = code * 16 + char32_t(value < 16 ? value : value - 6);
        step(1);
      }
      append_utf8(out, code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0xFFFD : code);
    } else if (c != '\n') {  // a line end after a backslash goes; other letters keep it
      (out += '\\') += c;
    }
  }

  void number() {
    size_t end = at_;
    const auto digits = [&] {
      while (end < source_.size() && (digit(source_[end]) || source_[end] == '_')) ++end;
    };
    digits();
    bool real = false;
    if (end + 1 < source_.size() && source_[end] == '.' && digit(source_[end + 1])) {
      real = true;
      ++end;
      digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
      if (exponent < source_.size() && digit(source_[exponent])) {
        real = true;
        end = exponent;
        digits();
      }
    }
    std::string text;
    for (size_t i = at_; i < end; ++i)
      if (source_[i] != '_') text += source_[i];
    push(real ? Token::kFloat : Token::kInteger, text);
    step(end - at_);
  }

  void operation(std::string &open) {
    static constexpr std::string_view kOperators[] = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*",
                                                      "/",  "%",  "~",  "<",  ">",  "=",  "(", ")", "[",
                                                      "]",  "{",  "}",  ",",  ":",  ".",  "|"};
    for (const auto text : kOperators) {
      if (!here(text)) continue;
      if (text == "(" || text == "[" || text == "{") open += text;
      if (text == ")" || text == "]" || text == "}") {
        const char wanted = text == ")" ? '(' : text == "]" ? '[' : '{';
        if (open.empty() || open.back() != wanted) fail_at(line_, "unexpected '" + std::string(text) + "'");
        open.pop_back();
      }
      push(Token::kOperator, std::string(text));
      step(text.size());
      return;
    }
    fail_at(line_, "unexpected character '" +
                       source_.substr(at_, size_t(next_utf8(std::string_view(source_).substr(at_)).bytes)) +
                       "'");
  }

  /// The inside of {{ }} or {% %}.
  void inside(bool output) {
    const int begun = line_;
    const std::string_view close = output ? "}}" : "%}";
    push(output ? Token::kOutputBegin : Token::kTagBegin);
    step(2);
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) step(1);
    std::string open;  // brackets
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (space(c)) {
        step(1);
        continue;
      }
      const bool marked = (c == '-' || (c == '+' && !output)) && source_.compare(at_ + 1, 2, close) == 0;
      if (open.empty() && (marked || here(close))) {
        push(output ? Token::kOutputEnd : Token::kTagEnd);
        step(marked ? 3 : 2);
        after_tag(marked && c == '-', !output && !(marked && c == '+'));
        return;
      }
      if (c == '"' || c == '\'')
        string();
      else if (digit(c))
        number();
      else if (letter(c))
        name();
      else
        operation(open);
    }
    fail_at(begun, "a tag is not closed");
  }

  void name() {
    size_t end = at_;
    while (end < source_.size() && (letter(source_[end]) || digit(source_[end]))) ++end;
    push(Token::kName, source_.substr(at_, end - at_));
    step(end - at_);
  }

 public:
  explicit Lexer(const std::string &source) : source_(with_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      size_t tag = at_;
      const auto mark = [&](size_t i) {
        return i + 1 < source_.size() && source_[i] == '{' ? source_[i + 1] : ' ';
      };
      while (tag < source_.size() && mark(tag) != '{' && mark(tag) != '%' && mark(tag) != '#') ++tag;
      if (tag == source_.size()) {
        text(tag, false, false);
        break;
      }
      const char kind = source_[tag + 1], sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
      text(tag, sign == '-', kind != '{' && sign != '+');
      if (kind == '#')
        comment();
      else if (kind == '{')
        inside(true);
      else if (!raw())
        inside(false);
    }
    push(Token::kEnd);
    return std::move(tokens_);
  }
};

}  // namespace

void fail_at(int line, const std::string &what) {
  throw std::runtime_error("chat template, line " + std::to_string(line) + ": " + what);
}

std::vector<Token> tokenize(const std::string &source) { return Lexer(source).run(); }

}  // namespace vtok::jinja
