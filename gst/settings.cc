// Enum types built from tables.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/settings.h"

#include <mutex>
#include <vector>

namespace vtok {

GType choice_type(const char *type_name, std::span<const Choice> rows) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (GType known = g_type_from_name(type_name)) return known;
  auto *values = new std::vector<GEnumValue>;  // GObject keeps the pointer for good
  int i = 0;
  for (const Choice &row : rows) values->push_back({i++, row.help, row.name});
  values->push_back({0, nullptr, nullptr});
  const GType type = g_enum_register_static(type_name, values->data());
  gst_type_mark_as_plugin_api(type, GstPluginAPIFlags(0));
  return type;
}

}  // namespace vtok
