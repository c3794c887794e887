// The query "vtok-busy".
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/busy.h"

namespace vtok {

constexpr char kBusy[] = "vtok-busy";

bool upstream_is_busy(GstPad *sink) {
  GstQuery *query = gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty(kBusy));
  gboolean busy = FALSE;
  if (gst_pad_peer_query(sink, query))
    gst_structure_get_boolean(gst_query_get_structure(query), "busy", &busy);
  gst_query_unref(query);
  return busy;
}

bool answer_busy(GstQuery *query, bool busy) {
  const GstStructure *asked = gst_query_get_structure(query);
  if (GST_QUERY_TYPE(query) != GST_QUERY_CUSTOM || !asked || !gst_structure_has_name(asked, kBusy))
    return false;
  gst_structure_set(gst_query_writable_structure(query), "busy", G_TYPE_BOOLEAN, gboolean(busy), nullptr);
  return true;
}

}  // namespace vtok
