// Feeds what an HTTP client sends: a chat completion's body, and the headers that say where it comes from.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/chat.h"

#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include "gst/http/address.h"
#include "gst/http/api_error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string text(reinterpret_cast<const char *>(data), size);
  try {
    const vtok::ChatRequest request = vtok::parse_chat(text);
    if (request.question.empty()) std::abort();
  } catch (const vtok::ApiError &) {  // the only kind it may throw
  }
  const std::string line = text.substr(0, text.find('\n'));
  vtok::host_is_ours(line);
  if (vtok::origin_is_ours(line, "127.0.0.1:8080") && line.find("127.0.0.1") == line.npos && !line.empty())
    std::abort();
  try {
    const vtok::ListenAddress address = vtok::parse_listen(line);
    if (vtok::parse_listen(address.text()).text() != address.text()) std::abort();
  } catch (const std::invalid_argument &) {
  }
  return 0;
}
