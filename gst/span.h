// Questions about a part of the time: "[04:30–05:30] What is there?".
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace vtok {

/// A time as a question names it: from the start of the stream, or back from the newest that is remembered.
struct Moment {
  int64_t ns = 0;
  bool back = false;
  int64_t at(int64_t now) const { return back ? now - ns : ns; }
  bool operator==(const Moment &) const = default;
};

struct Span {
  Moment from, to;
  bool operator==(const Span &) const = default;
};

/// Takes the span off a question that begins with one, in the form in which times are told: h:m:s, m:s or s, with a fraction or
/// without. A negative time counts back from now, which `now` is as well. Between the two stands "–", "-", ".." or "to". What is
/// not of this form, or has nothing behind it, is a question like any other and stays as it is.
std::optional<Span> take_span(std::string &question);

}  // namespace vtok
