// Caps of visual tokens: what is read, what is written, what is refused and in which words.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "tests/gst/streams.h"

using namespace vtok::test;

static const std::string kMinimal =
    "application/x-visual-tokens, type=(string)float16, hidden-size=(int)896, space=(string)\"m@0\", "
    "stream-format=(string)raw";

// What from_caps says; "" where it reads them.
static std::string refusal(const std::string &text, GstVtokInfo *info) {
  GstCaps *caps = gst_caps_from_string(text.c_str());
  REQUIRE(caps);
  GError *error = nullptr;
  const bool read = gst_vtok_info_from_caps(info, caps, &error);
  gst_caps_unref(caps);
  CHECK(read == !error);
  if (error) CHECK(error->domain == GST_VTOK_ERROR);
  return taken(error);
}

TEST_CASE("absent fields have their defaults") {
  Info info;
  REQUIRE(refusal(kMinimal, &info.c) == "");
  CHECK(info.c.type == GST_VTOK_TYPE_FLOAT16);
  CHECK(info.c.hidden_size == 896);
  CHECK(info.c.levels == 1);
  CHECK(info.c.max_tokens == 0);
  CHECK(info.c.fps_n == 0);
  CHECK(info.c.fps_d == 1);
  CHECK(!info.c.framed);
  CHECK(std::string(info.c.extras) == "none");
  CHECK(gst_vtok_info_token_size(&info.c) == 896 * 2);
}

TEST_CASE("what is written is read again") {
  Info info(64);
  info.c.type = GST_VTOK_TYPE_INT8;
  info.c.levels = 3;
  info.c.max_tokens = 196;
  info.c.grid_width = 14;
  info.c.grid_height = 15;
  info.c.fps_n = 30000;
  info.c.fps_d = 1001;
  info.c.framed = TRUE;
  info.extras("sources,keys");
  GstCaps *caps = gst_vtok_info_to_caps(&info.c);
  CHECK(gst_caps_is_fixed(caps));
  Info back(1, "other");
  REQUIRE(gst_vtok_info_from_caps(&back.c, caps, nullptr));
  GstCaps *again = gst_vtok_info_to_caps(&back.c);
  CHECK(gst_caps_is_equal(caps, again));
  CHECK(gst_vtok_info_token_size(&back.c) == 3 * 64);
  const gchar *names[GST_VTOK_MAX_EXTRAS];
  REQUIRE(gst_vtok_info_extras(&back.c, names) == 2);
  CHECK(std::string(names[1]) == "keys");
  gst_caps_unref(caps);
  gst_caps_unref(again);
}

TEST_CASE("caps that do not fit are refused by name, and the info stays") {
  Info info(7);
  const std::pair<std::string, std::string> cases[] = {
      {"video/x-raw, format=(string)RGB", "video/x-raw, expected application/x-visual-tokens"},
      {"application/x-visual-tokens, type=(string)float32, hidden-size=(int)[1, 2], space=(string)a",
       "not fixed"},
      {"application/x-visual-tokens, type=(string)float32, space=(string)a", "hidden-size"},
      {"application/x-visual-tokens, type=(string)float32, hidden-size=(int)8", "space"},
      {"application/x-visual-tokens, type=(string)float64, hidden-size=(int)8, space=(string)a", "float64"},
      {"application/x-visual-tokens, type=(string)float32, hidden-size=(int)0, space=(string)a",
       "hidden-size is 0"},
      {"application/x-visual-tokens, type=(string)float32, hidden-size=(string)8, space=(string)a",
       "hidden-size is 8"},
      {kMinimal + ", levels=(int)2147483647", "too large"},
      {kMinimal + ", grid-width=(int)3", "grid-height"},
      {kMinimal + ", framerate=(int)30", "framerate"},
      {kMinimal + ", extras=(string)\"a,a\"", "extras"},
      {kMinimal + ", extras=(string)\"a,,b\"", "extras"},
      {kMinimal + ", extras=(string)\"none,b\"", "extras"},
      {kMinimal + ", extras=(string)\"a,b,c,d,e\"", "5 side inputs, expected at most 4"}};
  for (const auto &[caps, words] : cases) {
    INFO(caps);
    const std::string said = refusal(caps, &info.c);
    CHECK(said.find(words) != std::string::npos);
    CHECK(info.c.hidden_size == 7);
  }
  CHECK(refusal("application/x-visual-tokens, type=(string)float32, hidden-size=(int)8, space=(string)a, "
                "stream-format=(string)boxed",
                &info.c)
            .find("boxed") != std::string::npos);
}

TEST_CASE("number types have names and sizes") {
  const std::pair<const char *, gsize> types[] = {
      {"float32", 4}, {"float16", 2}, {"bfloat16", 2}, {"float8-e4m3", 1}, {"int8", 1}};
  for (int i = 0; i < 5; ++i) {
    GstVtokType type = GST_VTOK_TYPE_FLOAT32;
    REQUIRE(gst_vtok_type_from_string(types[i].first, &type));
    CHECK(type == GstVtokType(i));
    CHECK(std::string(gst_vtok_type_to_string(type)) == types[i].first);
    CHECK(gst_vtok_type_size(type) == types[i].second);
  }
  GstVtokType type = GST_VTOK_TYPE_INT8;
  CHECK(!gst_vtok_type_from_string("int4", &type));
  CHECK(type == GST_VTOK_TYPE_INT8);
}
