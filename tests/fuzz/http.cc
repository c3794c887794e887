// Feeds what a client says of whom it means and who it is (Host, Origin, Authorization), and listen=.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "gst/http/address.h"
#include "gst/http/bearer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char *>(data), size));
  std::string host, origin, authorization;
  std::getline(lines, host);
  std::getline(lines, origin);
  std::getline(lines, authorization);
  std::string small = host;  // "example.localhost" is ours
  for (char &c : small) c = char(g_ascii_tolower(c));
  if (vtok::host_is_ours(host) && small.find("example") != host.npos && small.find("localhost") == host.npos)
    abort();
  if (vtok::origin_is_ours(origin, host) && !origin.empty() && origin.size() < host.size()) abort();
  if (vtok::bearer_matches(authorization, "a key that no input holds, as it is too long to be found"))
    abort();
  try {
    const vtok::ListenAddress address = vtok::parse_listen(host);
    if (vtok::parse_listen(address.text()).text() != address.text()) abort();
  } catch (const std::invalid_argument &) {  // the only kind it may throw
  }
  return 0;
}
