// Side inputs in caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/compressor.h"

#include <string_view>

namespace vtok {

bool caps_ask_for(const GstCaps *peer, const char *extra) {
  if (!peer || gst_caps_is_any(peer)) return false;
  for (guint i = 0; i < gst_caps_get_size(peer); ++i) {
    const GValue *extras = gst_structure_get_value(gst_caps_get_structure(peer, i), "extras");
    if (extras && GST_VALUE_HOLDS_LIST(extras)) extras = gst_value_list_get_value(extras, 0);
    if (extras && G_VALUE_HOLDS_STRING(extras)) return std::string_view(g_value_get_string(extras)) == extra;
  }
  return false;
}

}  // namespace vtok
