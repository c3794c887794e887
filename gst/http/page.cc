// The page out of the resources, with a nonce for its script and style.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/page.h"

#include <gio/gio.h>
#include <sys/random.h>

#include <stdexcept>

extern "C" {  // what glib-compile-resources makes
GResource *vtok_page_get_resource(void);
void vtok_page_register_resource(void);
}

namespace vtok {

static std::string random_text() {
  unsigned char bytes[18];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    throw std::runtime_error("the system gives no random bytes");
  gchar *text = g_base64_encode(bytes, sizeof bytes);
  const std::string out = text;
  g_free(text);
  return out;
}

Page make_page() {
  constexpr char kPlace[] = "@NONCE@";
  static const bool registered = (vtok_page_register_resource(), true);
  (void)registered;
  GBytes *file = g_resource_lookup_data(vtok_page_get_resource(), "/gst-vtok/page.html",
                                        G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  if (!file) throw std::runtime_error("the page is not among the plugin's resources");
  gsize size;
  const auto *data = static_cast<const char *>(g_bytes_get_data(file, &size));
  Page page;
  page.html.assign(data, size);
  g_bytes_unref(file);
  const std::string nonce = random_text();
  for (size_t at = 0; (at = page.html.find(kPlace, at)) != page.html.npos; at += nonce.size())
    page.html.replace(at, sizeof kPlace - 1, nonce);
  page.policy =
      "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'nonce-" + nonce +
      "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return page;
}

}  // namespace vtok
