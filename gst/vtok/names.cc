// The names of side inputs in caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/vtok/names.h"

#include <algorithm>

#include "gst/vtok/failure.h"

namespace vtok {

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> parts;
  if (names == "none") return parts;
  while (true) {
    const size_t comma = names.find(',');
    parts.emplace_back(names.substr(0, comma));
    if (comma == names.npos) return parts;
    names.remove_prefix(comma + 1);
  }
}

void check_extras(std::string_view extras, GstVtokError code) {
  const auto names = split_names(extras);
  if (names.size() > GST_VTOK_MAX_EXTRAS)
    throw Refusal(code, sentence("extras names ", names.size(), " side inputs, expected at most ",
                                 GST_VTOK_MAX_EXTRAS));
  for (auto name = names.begin(); name != names.end(); ++name)
    if (name->empty() || *name == "none" || std::find(names.begin(), name, *name) != name)
      throw Refusal(code, sentence("extras is \"", extras,
                                   "\", expected \"none\" or different names joined by commas"));
}

}  // namespace vtok
