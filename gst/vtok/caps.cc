// Number types, and caps of visual tokens to and from GstVtokInfo.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <iterator>
#include <string_view>

#include "gst/vtok/failure.h"
#include "gst/vtok/names.h"
#include "gst/vtok/vtok.h"

using vtok::Refusal;
using vtok::refused_as;
using vtok::sentence;

namespace {

struct NumberType {
  const gchar *name;
  gsize size;
};
constexpr NumberType kTypes[] = {  // in the order of GstVtokType
    {"float32", 4},
    {"float16", 2},
    {"bfloat16", 2},
    {"float8-e4m3", 1},
    {"int8", 1}};

[[noreturn]] void refuse(const std::string &what) { throw Refusal(GST_VTOK_ERROR_CAPS, what); }

std::string text_of(const GstStructure *s, const char *field) {
  const GValue *value = gst_structure_get_value(s, field);
  gchar *text = value ? gst_value_serialize(value) : nullptr;
  std::string copy = text ? text : "nothing";
  g_free(text);
  return copy;
}

// An int of at least `low`; `absent` where the field is not there.
int number(const GstStructure *s, const char *field, int low, int absent) {
  int value = absent;
  if (gst_structure_has_field(s, field) && (!gst_structure_get_int(s, field, &value) || value < low))
    refuse(sentence("visual token caps: ", field, " is ", text_of(s, field),
                    ", expected an integer of at least ", low));
  return value;
}

const gchar *string_of(const GstStructure *s, const char *field, const gchar *absent) {
  if (!gst_structure_has_field(s, field)) return absent;
  const gchar *value = gst_structure_get_string(s, field);
  if (!value || !*value)
    refuse(sentence("visual token caps: ", field, " is ", text_of(s, field), ", expected a string"));
  return value;
}

void parse(const GstCaps *caps, GstVtokInfo *info) {
  if (!caps || !gst_caps_is_fixed(caps)) refuse("visual token caps are not fixed");
  const GstStructure *s = gst_caps_get_structure(caps, 0);
  if (!gst_structure_has_name(s, GST_VTOK_MEDIA_TYPE))
    refuse(sentence("caps are ", gst_structure_get_name(s), ", expected " GST_VTOK_MEDIA_TYPE));
  for (const char *field : {"type", "hidden-size", "space"})
    if (!gst_structure_has_field(s, field)) refuse(sentence("visual token caps lack the field ", field));

  GstVtokInfo found = GST_VTOK_INFO_INIT;
  const gchar *type = string_of(s, "type", "");
  if (!gst_vtok_type_from_string(type, &found.type))
    refuse(sentence("visual token caps: type is ", type,
                    ", expected float32, float16, bfloat16, float8-e4m3 or int8"));
  found.hidden_size = number(s, "hidden-size", 1, 0);
  found.levels = number(s, "levels", 1, 1);
  found.max_tokens = number(s, "max-tokens", 1, 0);
  found.grid_width = number(s, "grid-width", 1, 0);
  found.grid_height = number(s, "grid-height", 1, 0);
  if (gint64(found.hidden_size) * found.levels > G_MAXINT32)
    refuse(sentence("visual token caps: ", found.levels, " levels of hidden-size ", found.hidden_size,
                    " are too large"));
  if (!found.grid_width != !found.grid_height)
    refuse("visual token caps: grid-width and grid-height come together or not at all");
  if (gst_structure_has_field(s, "framerate") &&
      !gst_structure_get_fraction(s, "framerate", &found.fps_n, &found.fps_d))
    refuse(sentence("visual token caps: framerate is ", text_of(s, "framerate"), ", expected a fraction"));
  const std::string_view format = string_of(s, "stream-format", "raw");
  if (format != "raw" && format != "framed")
    refuse(sentence("visual token caps: stream-format is ", format, ", expected raw or framed"));
  found.framed = format == "framed";
  const gchar *extras = string_of(s, "extras", "none");
  vtok::check_extras(extras, GST_VTOK_ERROR_CAPS);
  const gchar *space = string_of(s, "space", "");

  gst_vtok_info_clear(info);
  *info = found;
  info->space = g_strdup(space);
  info->extras = g_strdup(extras);
}

}  // namespace

GQuark gst_vtok_error_quark(void) { return g_quark_from_static_string("gst-vtok-error-quark"); }

const gchar *gst_vtok_type_to_string(GstVtokType type) { return kTypes[type].name; }
gsize gst_vtok_type_size(GstVtokType type) { return kTypes[type].size; }

gboolean gst_vtok_type_from_string(const gchar *name, GstVtokType *type) {
  for (guint i = 0; i < std::size(kTypes); ++i)
    if (g_str_equal(kTypes[i].name, name)) {
      *type = GstVtokType(i);
      return TRUE;
    }
  return FALSE;
}

gboolean gst_vtok_info_from_caps(GstVtokInfo *info, const GstCaps *caps, GError **error) {
  return refused_as(FALSE, error, [&] {
    parse(caps, info);
    return TRUE;
  });
}

GstCaps *gst_vtok_info_to_caps(const GstVtokInfo *info) {
  g_return_val_if_fail(info->space && info->hidden_size > 0, nullptr);
  GstCaps *caps = gst_caps_new_simple(
      GST_VTOK_MEDIA_TYPE, "type", G_TYPE_STRING, gst_vtok_type_to_string(info->type), "hidden-size",
      G_TYPE_INT, info->hidden_size, "space", G_TYPE_STRING, info->space, "stream-format", G_TYPE_STRING,
      info->framed ? "framed" : "raw", "extras", G_TYPE_STRING, info->extras ? info->extras : "none",
      "framerate", GST_TYPE_FRACTION, info->fps_n, MAX(info->fps_d, 1), nullptr);
  if (info->levels > 1) gst_caps_set_simple(caps, "levels", G_TYPE_INT, info->levels, nullptr);
  if (info->max_tokens > 0) gst_caps_set_simple(caps, "max-tokens", G_TYPE_INT, info->max_tokens, nullptr);
  if (info->grid_width > 0 && info->grid_height > 0)
    gst_caps_set_simple(caps, "grid-width", G_TYPE_INT, info->grid_width, "grid-height", G_TYPE_INT,
                        info->grid_height, nullptr);
  return caps;
}

void gst_vtok_info_copy(const GstVtokInfo *info, GstVtokInfo *copy) {
  *copy = *info;
  copy->space = g_strdup(info->space);
  copy->extras = g_strdup(info->extras);
}

void gst_vtok_info_clear(GstVtokInfo *info) {
  g_free(info->space);
  g_free(info->extras);
  *info = GST_VTOK_INFO_INIT;
}

gsize gst_vtok_info_token_size(const GstVtokInfo *info) {
  return gsize(info->levels) * info->hidden_size * gst_vtok_type_size(info->type);
}

guint gst_vtok_info_extras(const GstVtokInfo *info, const gchar *names[GST_VTOK_MAX_EXTRAS]) {
  guint n = 0;
  if (info->extras)
    for (const auto &name : vtok::split_names(info->extras))
      if (n < GST_VTOK_MAX_EXTRAS) names[n++] = g_intern_string(name.c_str());
  return n;
}
