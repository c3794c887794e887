// Errors inside the public library: thrown as one sentence, handed out as a GError.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>

#include "gst/vtok/vtok.h"

namespace vtok {

struct Refusal : std::runtime_error {
  GstVtokError code;
  Refusal(GstVtokError c, const std::string &sentence) : std::runtime_error(sentence), code(c) {}
};

/// The parts of a sentence, one after the other.
template <class... Parts>
std::string sentence(const Parts &...parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Runs `work`; what it throws becomes *error, and `failed` is returned. Nothing may be thrown through C.
template <class R, class F>
R refused_as(R failed, GError **error, F &&work) {
  try {
    return work();
  } catch (const Refusal &r) {
    g_set_error_literal(error, GST_VTOK_ERROR, r.code, r.what());
  } catch (const std::exception &e) {
    g_set_error_literal(error, GST_VTOK_ERROR, GST_VTOK_ERROR_FAILED, e.what());
  }
  return failed;
}

}  // namespace vtok
