// Questions about a part of the time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/span.h"

#include <string_view>

namespace vtok {
namespace {

constexpr int64_t kSecond = 1000000000;
constexpr int kDigits = 9;  // of a number: no sum of them overflows

struct Reader {
  std::string_view rest;

  bool take(std::string_view text) {
    if (rest.substr(0, text.size()) != text) return false;
    rest.remove_prefix(text.size());
    return true;
  }
  void blanks() {
    while (take(" ")) continue;
  }
  bool digit() const { return !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; }
  bool whole(int64_t &number) {
    number = 0;
    for (int i = 0; digit(); ++i, rest.remove_prefix(1)) {
      if (i == kDigits) return false;
      number = 10 * number + (rest[0] - '0');
    }
    return true;
  }
  bool moment(Moment &moment) {
    moment = {0, true};
    if (take("now")) return true;
    moment.back = take("-");
    if (!digit()) return false;
    int64_t seconds = 0, number = 0;
    for (int part = 0; part < 3; ++part) {
      if (!digit() || !whole(number)) return false;
      seconds = 60 * seconds + number;
      if (!take(":")) break;
    }
    moment.ns = seconds * kSecond;
    if (rest.size() < 2 || rest[0] != '.' || rest[1] == '.') return true;
    rest.remove_prefix(1);
    for (int64_t unit = kSecond / 10; digit(); unit /= 10, rest.remove_prefix(1)) moment.ns += (rest[0] - '0') * unit;
    return true;
  }
};

}  // namespace

std::optional<Span> take_span(std::string &question) {
  Reader reader{question};
  Span span;
  if (!reader.take("[")) return {};
  reader.blanks();
  if (!reader.moment(span.from)) return {};
  reader.blanks();
  if (!reader.take("–") && !reader.take("-") && !reader.take("..") && !reader.take("to")) return {};
  reader.blanks();
  if (!reader.moment(span.to)) return {};
  reader.blanks();
  if (!reader.take("]")) return {};
  reader.blanks();
  if (reader.rest.empty()) return {};
  question = std::string(reader.rest);
  return span;
}

}  // namespace vtok
