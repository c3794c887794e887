// The plugin as gst-inspect sees it: complete descriptions, and no LibTorch for looking at it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>

#include "tests/gst/streams.h"

namespace {

std::vector<GstElementFactory *> factories() {
  std::vector<GstElementFactory *> found;
  GList *features = gst_registry_get_feature_list_by_plugin(gst_registry_get(), "vtok");
  for (GList *f = features; f; f = f->next)
    if (GST_IS_ELEMENT_FACTORY(f->data)) found.push_back(GST_ELEMENT_FACTORY(gst_object_ref(f->data)));
  gst_plugin_feature_list_free(features);
  return found;
}

}  // namespace

TEST_CASE("every element says what it is") {
  const std::map<std::string, std::pair<std::string, std::string>> expected = {
      {"vtokkeyframe", {"Filter/Tokens", "Visual token keyframe selector"}},
      {"vtokenc", {"Inference/Encoder/Video", "Visual token encoder"}},
      {"vtokspatial", {"Filter/Analyzer/Tokens", "Spatial visual token compressor"}},
      {"vtoktemporal", {"Filter/Analyzer/Tokens", "Temporal visual token compressor"}},
      {"vtokconvert", {"Filter/Converter", "Visual token converter"}},
      {"vtokbin", {"Filter/Bin/LLM", "Visual token pipeline"}},
      {"vtokoverlay", {"Filter/Editor/Video", "Visual token overlay"}},
      {"vtokllmsink", {"Sink/Text/LLM/Network", "LLM sink for visual tokens"}},
      {"vtokllm", {"Converter/Text/LLM", "LLM for visual tokens"}}};
  const auto all = factories();
  CHECK(all.size() >= 3);
  for (GstElementFactory *factory : all) {
    const std::string name = GST_OBJECT_NAME(factory);
    INFO(name);
    const auto at = expected.find(name);
    if (at != expected.end()) {
      CHECK(at->second.first == gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS));
      CHECK(at->second.second == gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_LONGNAME));
    }
    CHECK(std::string(gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_DESCRIPTION)).size() >
          10);
    CHECK(gst_element_factory_get_num_pad_templates(factory) >= 1);
    GstElement *element = gst_element_factory_create(factory, nullptr);
    REQUIRE(element);
    guint n;
    GParamSpec **properties = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &n);
    for (guint i = 0; i < n; ++i) {
      INFO(properties[i]->name);
      CHECK((g_param_spec_get_blurb(properties[i]) && *g_param_spec_get_blurb(properties[i])));
      if (properties[i]->flags & G_PARAM_READABLE) {  // every property can be read at once
        GValue value = G_VALUE_INIT;
        g_object_get_property(G_OBJECT(element), properties[i]->name, &value);
        g_value_unset(&value);
      }
    }
    g_free(properties);
    gst_object_unref(element);
    gst_object_unref(factory);
  }
}

TEST_CASE("looking at the plugin loads no LibTorch") {
  for (GstElementFactory *factory : factories()) {
    GstElement *element = gst_element_factory_create(factory, nullptr);
    REQUIRE(element);
    gst_object_unref(element);
    gst_object_unref(factory);
  }
  bool plugin = false;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    plugin = plugin || line.find("libgstvtok.so") != std::string::npos;
    for (const char *library : {"torch", "libc10", "libcuda"}) {
      INFO(line);
      CHECK(line.find(library) == std::string::npos);
    }
  }
  CHECK(plugin);
}

TEST_CASE("a wrong method name is refused") {
  GstElement *element = gst_element_factory_make("vtokspatial", nullptr);
  REQUIRE(element);
  GValue value = G_VALUE_INIT;
  g_value_init(&value, g_type_from_name("GstVtokSpatialMethod"));
  CHECK(!gst_value_deserialize(&value, "no-such-method"));
  CHECK(gst_value_deserialize(&value, "none"));
  g_value_unset(&value);
  gst_object_unref(element);
}
