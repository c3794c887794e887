// The page that the server shows: one file, compiled in.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

namespace vtok {

/// The page and the Content-Security-Policy that lets run what is in it, and nothing else; both anew for each
/// request.
struct Page {
  std::string html, policy;
};
Page make_page();

}  // namespace vtok
