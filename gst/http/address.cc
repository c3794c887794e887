// Listening addresses, hosts and origins.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/address.h"

#include <gio/gio.h>

#include <memory>
#include <stdexcept>

namespace vtok {
namespace {

struct HostPort {
  std::string host, port;
  bool bracketed = false;
};

// "host", "host:port", "[v6]", "[v6]:port"; false: none of these.
bool split(const std::string &text, HostPort &out) {
  if (text.find('\0') != text.npos) return false;  // C strings would end there
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return false;
    out.bracketed = true;
    out.host = text.substr(1, end - 1);
    if (end + 1 == text.size()) return true;
    if (text[end + 1] != ':') return false;
    out.port = text.substr(end + 2);
    return true;
  }
  const size_t colon = text.find(':');
  if (text.find(':', colon == text.npos ? colon : colon + 1) != text.npos) return false;
  out.host = text.substr(0, colon);
  if (colon != text.npos) out.port = text.substr(colon + 1);
  return true;
}

bool is_number(const std::string &text, unsigned long &value) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != text.npos) return false;
  value = std::stoul(text);
  return value <= 65535;
}

bool same(const std::string &a, const std::string &b) {
  return a.size() == b.size() && g_ascii_strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() > end.size() && same(text.substr(text.size() - end.size()), end);
}

}  // namespace

std::string ListenAddress::text() const {
  return (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

ListenAddress parse_listen(const std::string &text) {
  const auto refuse = [&] {
    return std::invalid_argument(
        "listen=" + text +
        " is no address: expected an IP address and a port, as in 127.0.0.1:8080 or [::1]:0");
  };
  unsigned long port;
  HostPort parts;
  if (is_number(text, port)) {
    parts.host = "127.0.0.1";
  } else if (!split(text, parts) || !is_number(parts.port, port)) {
    throw refuse();
  }
  if (parts.host.empty() || same(parts.host, "localhost")) parts.host = "127.0.0.1";
  const std::unique_ptr<GInetAddress, void (*)(gpointer)> address(
      g_inet_address_new_from_string(parts.host.c_str()), g_object_unref);
  if (!address || parts.bracketed != (g_inet_address_get_family(address.get()) == G_SOCKET_FAMILY_IPV6))
    throw refuse();
  return {parts.host, uint16_t(port), g_inet_address_get_is_loopback(address.get()) == TRUE};
}

bool host_is_ours(const std::string &host) {
  if (host.empty()) return true;
  HostPort parts;
  unsigned long port;
  if (!split(host, parts) || (!parts.port.empty() && !is_number(parts.port, port))) return false;
  if (parts.bracketed) return g_hostname_is_ip_address(parts.host.c_str());
  std::string name = parts.host;
  if (name.ends_with('.')) name.pop_back();
  const std::string here = g_get_host_name();
  return g_hostname_is_ip_address(name.c_str()) || same(name, "localhost") || ends_with(name, ".localhost") ||
         same(name, here) || same(name, here + ".local");
}

bool origin_is_ours(const std::string &origin, const std::string &host) {
  return origin.empty() || same(origin, "http://" + host) || same(origin, "https://" + host);
}

}  // namespace vtok
