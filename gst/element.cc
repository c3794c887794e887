// What every element needs that no template parameter changes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/element.h"

namespace vtok {

void add_pad_template(gpointer klass, const char *name, GstPadDirection direction, const char *caps) {
  GstCaps *parsed = gst_caps_from_string(caps);
  gst_element_class_add_pad_template(GST_ELEMENT_CLASS(klass),
                                     gst_pad_template_new(name, direction, GST_PAD_ALWAYS, parsed));
  gst_caps_unref(parsed);
}

}  // namespace vtok
