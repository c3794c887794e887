// Event streams, and the memory as JSON.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/events.h"

#include <nlohmann/json.hpp>

#include "gst/http/completion.h"

namespace vtok {
namespace {

using json = nlohmann::ordered_json;

std::string dumped(const json &value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

gboolean add_field(GQuark field, const GValue *value, gpointer data) {
  auto &out = *static_cast<json *>(data);
  const std::string name = g_quark_to_string(field);
  if (G_VALUE_HOLDS_STRING(value)) {
    const char *text = g_value_get_string(value);
    out[name] = text ? json(text) : json(nullptr);
  } else if (G_VALUE_HOLDS_UINT64(value)) {
    const guint64 x = g_value_get_uint64(value);
    out[name] = name == "from" || name == "to" ? json(double(x) / 1e9) : json(x);
  } else if (G_VALUE_HOLDS_UINT(value)) {
    out[name] = g_value_get_uint(value);
  } else if (G_VALUE_HOLDS_INT(value)) {
    out[name] = g_value_get_int(value);
  } else if (G_VALUE_HOLDS_INT64(value)) {
    out[name] = g_value_get_int64(value);
  } else if (G_VALUE_HOLDS_DOUBLE(value)) {
    out[name] = g_value_get_double(value);
  } else if (G_VALUE_HOLDS_BOOLEAN(value)) {
    out[name] = bool(g_value_get_boolean(value));
  }
  return TRUE;
}

json kept_of(const Group &group) {
  json kept = json::array();
  for (const Tokens &part : group.parts)
    for (const Record &record : part.records)
      kept.push_back({record.row, record.column, record.weight, double(record.time) / 1e9});
  return kept;
}

}  // namespace

void Events::add(const std::function<std::unique_ptr<Reply>(std::function<void()> gone)> &reply) {
  replies_.emplace_front();
  const auto place = replies_.begin();
  *place = reply([this, place] { replies_.erase(place); });
  (*place)->start_events();
  (*place)->event(":\n\n");  // the headers go out at once
}

void Events::publish(const std::string &event, const std::string &data) {
  for (const auto &reply : replies_) reply->event(server_sent(data, event));
}

void Events::beat() {
  for (const auto &reply : replies_) reply->event(":\n\n");
}

void Events::stop() {
  for (const auto &reply : replies_) reply->end();
  replies_.clear();
}

std::string structure_json(const GstStructure *structure) {
  json out = json::object();
  gst_structure_foreach(structure, add_field, &out);
  return dumped(out);
}

std::string memory_json(const std::vector<GroupPtr> &groups,
                        const std::function<int64_t(int64_t)> &stream_time, const Keyframe *keyframe) {
  json list = json::array();
  int64_t tokens = 0;
  for (const GroupPtr &group : groups) {
    tokens += group->tokens();
    list.push_back({{"id", group->id},
                    {"from", double(stream_time(group->from)) / 1e9},
                    {"to", double(stream_time(group->to)) / 1e9},
                    {"tokens", group->tokens()},
                    {"closed", group->closed}});
  }
  json out = {{"groups", list}, {"tokens", tokens}, {"keyframe", nullptr}, {"grid", nullptr}};
  if (keyframe) {
    out["keyframe"] = {
        {"from", double(keyframe->from) / 1e9}, {"width", keyframe->width}, {"height", keyframe->height}};
    if (keyframe->grid_width) out["grid"] = {keyframe->grid_width, keyframe->grid_height};
  }
  out["kept"] = groups.empty() ? json::array() : kept_of(*groups.back());
  return dumped(out);
}

std::string bitmap(const Keyframe &keyframe) {
  const auto width = uint32_t(keyframe.width), height = uint32_t(keyframe.height),
             stride = (3 * width + 3) / 4 * 4;
  std::string out;
  const auto put = [&](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += char(value >> 8 * i);
  };
  out = "BM";
  put(54 + stride * height, 4);  // the file's size
  put(0, 4);
  put(54, 4);  // where the pixels start
  put(40, 4);  // BITMAPINFOHEADER
  put(width, 4);
  put(height, 4);  // positive: the last row first
  put(1, 2);
  put(24, 2);  // bits a pixel: blue, green, red
  for (int i = 0; i < 6; ++i) put(0, 4);
  for (uint32_t y = height; y-- > 0;) {
    const uint8_t *row = keyframe.rgb.data() + size_t(y) * width * 3;
    for (uint32_t x = 0; x < width; ++x)
      for (int c = 2; c >= 0; --c) out += char(row[3 * x + uint32_t(c)]);
    out.append(stride - 3 * width, '\0');
  }
  return out;
}

}  // namespace vtok
