// The plugin: registers the elements, in the order data flows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

namespace vtok {
// Each stands at the end of its element's file.
bool register_vtokkeyframe(GstPlugin *plugin);
bool register_vtokenc(GstPlugin *plugin);
bool register_vtokspatial(GstPlugin *plugin);
bool register_vtoktemporal(GstPlugin *plugin);
bool register_vtokconvert(GstPlugin *plugin);
bool register_vtokllm(GstPlugin *plugin);
bool register_vtokllmsink(GstPlugin *plugin);
bool register_vtokbin(GstPlugin *plugin);
bool register_vtokoverlay(GstPlugin *plugin);
}  // namespace vtok

namespace {

using Register = bool (*)(GstPlugin *);
constexpr Register kElements[] = {
    vtok::register_vtokkeyframe, vtok::register_vtokenc,     vtok::register_vtokspatial,
    vtok::register_vtoktemporal, vtok::register_vtokconvert, vtok::register_vtokllm,
    vtok::register_vtokllmsink,  vtok::register_vtokbin,     vtok::register_vtokoverlay};

gboolean plugin_init(GstPlugin *plugin) {
  for (const Register add : kElements)
    if (!add(plugin)) return FALSE;
  return TRUE;
}

}  // namespace

#define PACKAGE "gst-vtok"
extern "C" {
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, vtok,
                  "Live video as visual tokens for language models", plugin_init, VTOK_VERSION, "LGPL",
                  "gst-vtok", "gst-vtok")
}
