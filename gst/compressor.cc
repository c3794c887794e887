// Side inputs in caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/compressor.h"

#include <string>
#include <string_view>

#include "gst/guarded.h"

namespace vtok {

void check_bound(const Tokens &tokens, const StreamInfo &info, const char *method) {
  if (info->max_tokens && tokens.n > info->max_tokens)
    throw BadTokens(std::string("method ") + method + " kept " + std::to_string(tokens.n) +
                    " tokens, the caps allow " + std::to_string(info->max_tokens));
}

GstCaps *filtered(GstCaps *caps, GstCaps *filter) {
  if (!filter) return caps;
  GstCaps *both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(caps);
  return both;
}

static bool names(const GstStructure *s, std::string_view extra) {
  const GValue *extras = gst_structure_get_value(s, "extras");
  if (!extras) return false;
  if (G_VALUE_HOLDS_STRING(extras)) return g_value_get_string(extras) == extra;
  if (!GST_VALUE_HOLDS_LIST(extras)) return false;
  for (guint i = 0; i < gst_value_list_get_size(extras); ++i) {
    const GValue *one = gst_value_list_get_value(extras, i);
    if (G_VALUE_HOLDS_STRING(one) && g_value_get_string(one) == extra) return true;
  }
  return false;
}

std::optional<guint> caps_naming(const GstCaps *caps, const char *extra) {
  if (gst_caps_is_any(caps)) return {};
  for (guint i = 0; i < gst_caps_get_size(caps); ++i)
    if (names(gst_caps_get_structure(caps, i), extra)) return i;
  return {};
}

}  // namespace vtok
