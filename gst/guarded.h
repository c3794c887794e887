// The one place where exceptions become messages on the bus.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <exception>
#include <stdexcept>
#include <string>

#include "models/error.h"

namespace vtok {

/// Which GStreamer error a failure is.
struct Failure {
  GQuark domain;
  int code;
};
inline Failure settings_failure() { return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS}; }
inline Failure not_found() { return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND}; }
inline Failure wrong_format() { return {GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT}; }
inline Failure wrong_caps() { return {GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION}; }
inline Failure general_failure() { return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED}; }

/// An error that knows its domain and code.
struct ElementError : std::runtime_error {
  Failure failure;
  ElementError(Failure f, const std::string &sentence) : std::runtime_error(sentence), failure(f) {}
};

/// Posts an ERROR. Its domain and code are the ElementError's own; files that are missing or unreadable
/// RESOURCE, memory that runs out RESOURCE/NO_SPACE_LEFT, a wrong argument LIBRARY/SETTINGS; else
/// `otherwise`. Nothing where the work was Cancelled. The object lock must not be held.
void post_error(GstElement *element, const std::exception &error, Failure otherwise = general_failure());
/// Posts a WARNING STREAM/DECODE: a buffer is dropped, the stream goes on.
void post_bad_tokens(GstElement *element, const BadTokens &error);

/// Runs `hook`; what it throws goes to the bus and `failed` is returned.
template <class R, class F>
auto guarded(gpointer element, R failed, F &&hook, Failure otherwise = general_failure())
    -> decltype(hook()) {
  try {
    return hook();
  } catch (const std::exception &error) {
    post_error(GST_ELEMENT(element), error, otherwise);
    return failed;
  }
}

/// Runs `work`; what it throws becomes an ElementError of this kind, unless it is one already.
template <class F> auto checked(Failure failure, F &&work) -> decltype(work()) {
  try {
    return work();
  } catch (const ElementError &) {
    throw;
  } catch (const std::exception &error) {
    throw ElementError(failure, error.what());
  }
}

/// guarded() around one buffer: `hook` returns a GstFlowReturn; BadTokens become a WARNING, `dropped()` (which
/// counts it) and GST_FLOW_OK; anything else an ERROR and GST_FLOW_ERROR.
template <class F, class D>
GstFlowReturn guarded_buffer(gpointer element, F &&hook, D &&dropped) {
  return guarded(element, GST_FLOW_ERROR, [&] {
    try {
      return hook();
    } catch (const BadTokens &error) {
      post_bad_tokens(GST_ELEMENT(element), error);
      dropped();
      return GST_FLOW_OK;
    }
  });
}

}  // namespace vtok
