// Filters of text.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "models/template/filters.h"

namespace vtok::jinja {
namespace {

Value indent(const Value &value, Arguments &arguments, Budget &budget) {
  const int64_t width = arguments.get(0, "width", Value(int64_t(4))).integer();
  const bool first_too = arguments.get(1, "first", Value(false)).truth(),
             blank_too = arguments.get(2, "blank", Value(false)).truth();
  if (width < 0 || width > 64) throw Problem("indent by " + std::to_string(width) + ", expected 0 to 64");
  const std::string space(size_t(width), ' '), &text = value.string();
  std::string out;
  for (size_t at = 0;;) {
    const size_t end = std::min(text.find('\n', at), text.size());
    budget.spend(size_t(width));
    if ((at || first_too) && (end > at || blank_too || !at)) out += space;
    out += text.substr(at, end - at);
    if (end == text.size()) return make_string(std::move(out), budget);
    out += '\n';
    at = end + 1;
  }
}

Value escape(const Value &value, Arguments &, Budget &budget) {
  std::string out;
  for (const char c : to_text(value, budget)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&#34;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
  return Value(std::move(out));
}

Value replace(const Value &value, Arguments &arguments, Budget &budget) {
  const Value from = arguments.need(0, "old"), to = arguments.need(1, "new"),
              most = arguments.get(2, "count", Value());
  return make_string(replaced(to_text(value, budget), to_text(from, budget), to_text(to, budget),
                              most.is_none() ? -1 : most.integer(), budget),
                     budget);
}

template <std::string (*kMap)(const std::string &)>
Value map_text(const Value &value, Arguments &, Budget &budget) {
  return make_string(kMap(to_text(value, budget)), budget);
}

Value trim(const Value &value, Arguments &arguments, Budget &budget) {
  return make_string(stripped(to_text(value, budget), arguments.take(0, "chars"), true, true), budget);
}

constexpr FilterRow kRows[] = {{"capitalize", map_text<capitalized>},
                               {"e", escape},
                               {"escape", escape},
                               {"indent", indent},
                               {"lower", map_text<lower>},
                               {"replace", replace},
                               {"title", map_text<title>},
                               {"trim", trim},
                               {"upper", map_text<upper>}};

}  // namespace

std::span<const FilterRow> text_filters() { return kRows; }

}  // namespace vtok::jinja
