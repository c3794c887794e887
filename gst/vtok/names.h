// The names of side inputs in caps: "none", or different names joined by commas.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "gst/vtok/vtok.h"

namespace vtok {

/// The names in memory order; none of "none".
std::vector<std::string> split_names(std::string_view names);
/// Throws Refusal of that code unless there are at most GST_VTOK_MAX_EXTRAS names, all different and not
/// empty.
void check_extras(std::string_view names, GstVtokError code);
/// Side inputs that are tokens, and so have records of their own.
inline bool has_records(std::string_view name) { return name == "sources"; }

}  // namespace vtok
