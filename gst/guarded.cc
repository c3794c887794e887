// Exceptions on the bus.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/guarded.h"

#include <new>
#include <system_error>

namespace vtok {

static Failure failure_of(const std::exception &error, Failure otherwise) {
  if (auto *own = dynamic_cast<const ElementError *>(&error)) return own->failure;
  if (auto *system = dynamic_cast<const std::system_error *>(&error)) {
    if (system->code() == std::errc::no_such_file_or_directory) return not_found();
    return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ};
  }
  if (dynamic_cast<const std::bad_alloc *>(&error))
    return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT};
  if (dynamic_cast<const std::invalid_argument *>(&error)) return settings_failure();
  return otherwise;
}

void post_error(GstElement *element, const std::exception &error, Failure otherwise) {
  if (dynamic_cast<const Cancelled *>(&error)) return;
  const Failure failure = failure_of(error, otherwise);
  gst_element_message_full(element, GST_MESSAGE_ERROR, failure.domain, failure.code, g_strdup(error.what()),
                           nullptr, __FILE__, GST_FUNCTION, __LINE__);
}

void post_bad_tokens(GstElement *element, const BadTokens &error) {
  gst_element_message_full(element, GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
                           g_strdup(error.what()), g_strdup("the buffer is dropped"), __FILE__, GST_FUNCTION,
                           __LINE__);
}

}  // namespace vtok
