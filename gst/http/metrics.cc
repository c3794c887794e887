// Stats as Prometheus text.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/metrics.h"

#include <cmath>
#include <memory>

namespace vtok {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_dtostr(text, sizeof text, value);
}

struct Writer {
  std::string out, prefix, label;
};

gboolean write_field(GQuark field, const GValue *value, gpointer data) {
  auto &writer = *static_cast<Writer *>(data);
  std::string name = writer.prefix + g_quark_to_string(field);
  for (char &c : name)
    if (!g_ascii_isalnum(c)) c = '_';
  if (GST_VALUE_HOLDS_STRUCTURE(value)) {
    Writer inner{"", name + "_", writer.label};
    gst_structure_foreach(gst_value_get_structure(value), write_field, &inner);
    writer.out += inner.out;
    return TRUE;
  }
  GValue as_double = G_VALUE_INIT;
  g_value_init(&as_double, G_TYPE_DOUBLE);
  if (G_VALUE_HOLDS_STRING(value) || !g_value_transform(value, &as_double)) return TRUE;  // no number
  double x = g_value_get_double(&as_double);
  const bool counter = G_VALUE_TYPE(value) == G_TYPE_UINT64;
  if (name.ends_with("_ms")) {
    name.replace(name.size() - 3, 3, "_seconds");
    x /= 1000;
  }
  writer.out += prometheus_line("vtok_" + name + (counter ? "_total" : ""), counter ? "counter" : "gauge",
                                writer.label, x);
  return TRUE;
}

}  // namespace

std::string prometheus_label(const std::string &text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + '"';
}

std::string prometheus_line(const std::string &name, const char *type, const std::string &labels,
                            double value) {
  return "# TYPE " + name + " " + type + "\n" + name + (labels.empty() ? "" : "{" + labels + "}") + " " +
         number(value) + "\n";
}

std::string prometheus_text(const GstStructure *stats, const std::string &element) {
  Writer writer{"", "", "element=" + prometheus_label(element)};
  gst_structure_foreach(stats, write_field, &writer);
  return writer.out;
}

}  // namespace vtok
