// The element mechanism: properties out of Settings::each, hooks that throw, the C++ object's life.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/element.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

namespace {

constexpr vtok::Choice kFruits[] = {{"apple", "red"}, {"pear", "green"}};
enum class Fruit { kApple, kPear };

struct ProbeSettings {
  bool flag = true;
  int count = -3;
  unsigned size = 7;
  uint64_t span = 10 * GST_SECOND;
  double ratio = .5;
  float tau = .25f;
  std::string name = "none";
  std::string secret;
  Fruit fruit = Fruit::kPear;
  int row = vtok::row_named(kFruits, "apple");
  template <class V>
  void each(V &&v) {
    using vtok::Access;
    v(flag, "flag", "A switch");
    v(count, "count", "A number", -5, 5);
    v(size, "size", "A size", 0u, 100u, Access::kPlaying);
    v(span, "span", "A time, ns", 0, GST_CLOCK_TIME_NONE);
    v(ratio, "ratio", "A share", 0., 1.);
    v(tau, "tau", "A bound", 0.f, 1.f);
    v(name, "probe-name", "A name");
    v(secret, "api-key", "A secret", Access::kWriteOnly);
    v(fruit, "fruit", "A choice", vtok::choices("VtokTestFruit", kFruits));
    v(row, "row", "A row", vtok::choices("VtokTestFruit", kFruits));
  }
};

int alive = 0;

class Probe : public vtok::Element<GstElement, ProbeSettings> {
 public:
  static constexpr vtok::ElementInfo kInfo{"vtoktestprobe", "VtokTestProbe", "Probe", "Generic",
                                           "Tests the mechanism"};
  explicit Probe(GstElement *object) : Element(object) { ++alive; }
  ~Probe() { --alive; }
  static void class_init(GstElementClass *klass) {
    klass->change_state = vtok::Hook<&Probe::change_state, GST_STATE_CHANGE_FAILURE>();
  }
  GstStructure *stats() const {
    return gst_structure_new("stats", "frames", G_TYPE_UINT64, guint64(3), nullptr);
  }
  GstStateChangeReturn change_state(GstStateChange change) {
    if (change == GST_STATE_CHANGE_NULL_TO_READY && fail) fail();
    return GST_ELEMENT_CLASS(vtok::Holder<Probe>::parent_class)->change_state(element(), change);
  }
  std::function<void()> fail;
};

struct Made {
  GstElement *element;
  GstBus *bus;
  Made() {
    static const bool once = [] {
      gst_init(nullptr, nullptr);
      return vtok::register_element<Probe>(nullptr);
    }();
    REQUIRE(once);
    bus = gst_bus_new();
    element = gst_element_factory_make("vtoktestprobe", nullptr);
    gst_object_ref_sink(element);
    gst_element_set_bus(element, bus);
  }
  ~Made() {
    gst_element_set_bus(element, nullptr);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(element);
    gst_object_unref(bus);
  }
  // "domain code: text" of the one error on the bus; "" where there is none
  std::string error() {
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    if (!message) return "";
    GError *e = nullptr;
    gst_message_parse_error(message, &e, nullptr);
    const std::string text =
        std::string(g_quark_to_string(e->domain)) + " " + std::to_string(e->code) + ": " + e->message;
    g_error_free(e);
    gst_message_unref(message);
    return text;
  }
};

std::string serialised(GstElement *element, const char *property) {
  GValue value = G_VALUE_INIT;
  g_object_get_property(G_OBJECT(element), property, &value);
  gchar *text = gst_value_serialize(&value);
  std::string copy = text ? text : "";
  g_free(text);
  g_value_unset(&value);
  return copy;
}

}  // namespace

TEST_CASE("each property has its initialiser as default and takes what is set") {
  Made made;
  const std::pair<const char *, std::pair<const char *, const char *>> cases[] = {
      {"flag", {"true", "false"}},      {"count", {"-3", "5"}},
      {"size", {"7", "100"}},           {"span", {"10000000000", "18446744073709551615"}},
      {"ratio", {"0.5", "1"}},          {"tau", {"0.25", "0.75"}},
      {"probe-name", {"none", "some"}}, {"fruit", {"pear", "apple"}},
      {"row", {"apple", "pear"}}};
  for (const auto &[name, values] : cases) {
    INFO(name);
    CHECK(serialised(made.element, name) == values.first);
    gst_util_set_object_arg(G_OBJECT(made.element), name, values.second);
    CHECK(serialised(made.element, name) == values.second);
  }
  const auto now = vtok::self<Probe>(made.element).settings();
  CHECK(now.fruit == Fruit::kApple);
  CHECK(now.row == 1);
  CHECK(now.span == GST_CLOCK_TIME_NONE);
}

TEST_CASE("a secret is written and never read, stats are read and never written") {
  Made made;
  GObjectClass *klass = G_OBJECT_GET_CLASS(made.element);
  CHECK(g_object_class_find_property(klass, "api-key")->flags % 4 == G_PARAM_WRITABLE);
  CHECK(g_object_class_find_property(klass, "stats")->flags % 4 == G_PARAM_READABLE);
  CHECK((g_object_class_find_property(klass, "size")->flags & GST_PARAM_MUTABLE_PLAYING) != 0);
  CHECK((g_object_class_find_property(klass, "count")->flags & GST_PARAM_MUTABLE_PLAYING) == 0);
  g_object_set(made.element, "api-key", "k", "probe-name", nullptr, nullptr);
  CHECK(vtok::self<Probe>(made.element).settings().secret == "k");
  CHECK(vtok::self<Probe>(made.element).settings().name == "");
  CHECK(serialised(made.element, "stats").find("frames") != std::string::npos);
}

TEST_CASE("what a hook throws is an error of a fitting domain on the bus") {
  Made made;
  auto &probe = vtok::self<Probe>(made.element);
  auto fails_with = [&](std::function<void()> fail) {
    probe.fail = std::move(fail);
    CHECK(gst_element_set_state(made.element, GST_STATE_READY) == GST_STATE_CHANGE_FAILURE);
    return made.error();
  };
  CHECK(fails_with([] { throw std::runtime_error("broken"); }) == "gst-library-error-quark 1: broken");
  CHECK(fails_with([] { throw std::invalid_argument("odd"); }) == "gst-library-error-quark 5: odd");
  CHECK(fails_with([] { throw vtok::ElementError(vtok::wrong_format(), "format"); }) ==
        "gst-stream-error-quark 11: format");
  CHECK(fails_with([] { throw std::bad_alloc(); }).starts_with("gst-resource-error-quark 14"));
  CHECK(fails_with([] {
          (void)std::filesystem::file_size("/nowhere");
        }).starts_with("gst-resource-error-quark 3"));
  CHECK(fails_with([] { throw vtok::Cancelled(); }) == "");
}

TEST_CASE("a bad buffer is a warning and a counted drop") {
  Made made;
  int dropped = 0;
  const auto flow = vtok::guarded_buffer(
      made.element, []() -> GstFlowReturn { throw vtok::BadTokens("not a number"); }, [&] { ++dropped; });
  CHECK(flow == GST_FLOW_OK);
  CHECK(dropped == 1);
  GstMessage *message = gst_bus_pop_filtered(made.bus, GST_MESSAGE_WARNING);
  REQUIRE(message);
  gst_message_unref(message);
  CHECK(vtok::guarded_buffer(
            made.element, []() -> GstFlowReturn { throw std::runtime_error("x"); }, [&] { ++dropped; }) ==
        GST_FLOW_ERROR);
  CHECK(dropped == 1);
}

TEST_CASE("properties may be set while they are copied") {
  Made made;
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i)
      g_object_set(made.element, "probe-name", i % 2 ? "aaaaaaaaaaaaaaaaaaaaaaaa" : "b", nullptr);
  });
  for (int i = 0; i < 2000; ++i) {
    const std::string name = vtok::self<Probe>(made.element).settings().name;
    CHECK((name == "none" || name == "b" || name == "aaaaaaaaaaaaaaaaaaaaaaaa"));
  }
  writer.join();
}

TEST_CASE("the C++ object lives as long as the element") {
  const int before = alive;
  {
    Made made;
    CHECK(alive == before + 1);
  }
  CHECK(alive == before);
}
