// What the bus hears while a model loads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/loader.h"

#include "gst/guarded.h"

namespace vtok {

void post_progress(GstElement *element, GstProgressType type, const std::string &text) {
  gst_element_post_message(element,
                           gst_message_new_progress(GST_OBJECT(element), type, "load-model", text.c_str()));
}

Progress progress_messages(GstElement *element, const std::string &what, const std::atomic<bool> &cancelled) {
  return [=, &cancelled, told = 0](double done) mutable {
    if (const int twentieth = int(done * 20); twentieth > told && !cancelled) {
      told = twentieth;
      post_progress(element, GST_PROGRESS_TYPE_CONTINUE,
                    "loading " + what + ": " + std::to_string(told * 5) + " %");
    }
    return !cancelled.load();
  };
}

void post_load_failed(GstElement *element, const std::string &what, const std::exception &error) {
  if (dynamic_cast<const Cancelled *>(&error)) {
    post_progress(element, GST_PROGRESS_TYPE_CANCELED, "gave up loading " + what);
    return;
  }
  post_progress(element, GST_PROGRESS_TYPE_ERROR, "could not load " + what);
  post_error(element, error);
}

}  // namespace vtok
