// Bearer keys, compared in constant time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/bearer.h"

#include <glib.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

#include <array>

namespace vtok {

// Digests have one length, so that neither the length nor the place of the first difference shows.
static std::array<uint8_t, SHA256_DIGEST_SIZE> digest(const std::string &text) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, text.size(), reinterpret_cast<const uint8_t *>(text.data()));
  std::array<uint8_t, SHA256_DIGEST_SIZE> out;
  sha256_digest(&context, out.size(), out.data());
  return out;
}

bool bearer_matches(const std::string &header, const std::string &key) {
  constexpr char kScheme[] = "Bearer ";
  constexpr size_t kLength = sizeof kScheme - 1;
  if (header.size() < kLength || g_ascii_strncasecmp(header.c_str(), kScheme, kLength) != 0) return false;
  const size_t first = header.find_first_not_of(' ', kLength);
  if (first == header.npos) return false;
  const auto given = digest(header.substr(first)), expected = digest(key);
  return memeql_sec(given.data(), expected.data(), given.size()) == 1;
}

}  // namespace vtok
