// Where listen= says to listen, and which requests a browser may send there.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <string>

namespace vtok {

struct ListenAddress {
  std::string host;   // a literal IP address
  uint16_t port = 0;  // 0: any that is free
  bool loopback = true;
  std::string text() const;  // "127.0.0.1:8080", "[::1]:8080"
};

/// Reads "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; ":8080" and "8080" are of the loopback too. Throws
/// std::invalid_argument with one sentence.
ListenAddress parse_listen(const std::string &text);

// Note [Pages of others]
// A browser on this machine reaches the loopback on behalf of any page it shows. Three things keep such a
// page out: it may point its own name at us (DNS rebinding), so only names that no foreign DNS server answers
// for are taken in Host; it may send requests across origins, so an Origin that is not ours is refused, as is
// whatever Sec-Fetch-Site calls cross-site; and a question must be application/json, which no form can send
// and which makes the browser ask us first (OPTIONS), where we grant nothing.

/// A Host header names an IP address, localhost or this machine; empty (HTTP/1.0) will do. See Note [Pages of
/// others].
bool host_is_ours(const std::string &host);
/// An Origin header (empty: there is none) is that of our own page under this Host.
bool origin_is_ours(const std::string &origin, const std::string &host);

}  // namespace vtok
