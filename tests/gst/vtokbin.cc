// vtokbin: its properties are its children's, its signals the language model's, its text pad there when
// wanted.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/gst/pipeline.h"

namespace {

const std::string kSource = "videotestsrc num-buffers=10 ! video/x-raw,width=64,height=48,framerate=10/1 ! ";
const std::string kModel = " device=cpu dtype=float32 model=" + kCheckpoint + " ";

GObject *child(GstElement *bin, const char *name) {
  GstElement *found = gst_bin_get_by_name(GST_BIN(bin), name);
  REQUIRE(found);
  gst_object_unref(found);  // the bin holds it
  return G_OBJECT(found);
}

template <class T>
T value_of(GObject *object, const char *property) {
  T value{};
  g_object_get(object, property, &value, nullptr);
  return value;
}

std::string text_of(GObject *object, const char *property) {
  gchar *text = value_of<gchar *>(object, property);
  const std::string copy = text ? text : "";
  g_free(text);
  return copy;
}

}  // namespace

TEST_CASE("a launch line answers; messages, signals and counts come out of the bin") {
  Pipeline p(kSource + "vtokbin name=bin max-new-tokens=4 question=What?" + kModel);
  // As spatial::tau=0.5 in a launch line, where GStreamer 1.22 forgets to let go of the child.
  gst_child_proxy_set(GST_CHILD_PROXY(p["bin"]), "spatial::tau", .5, nullptr);
  CHECK(value_of<double>(child(p["bin"], "spatial"), "tau") == .5);
  struct Heard {
    std::string answer, deltas;
    static void whole(GstElement *, guint64, const gchar *text, Heard *heard) { heard->answer = text; }
    static void piece(GstElement *, guint64, const gchar *text, Heard *heard) { heard->deltas += text; }
  } heard;
  g_signal_connect(p["bin"], "answer", G_CALLBACK(Heard::whole), &heard);
  g_signal_connect(p["bin"], "answer-delta", G_CALLBACK(Heard::piece), &heard);
  REQUIRE(p.run());
  REQUIRE(p.answers.size() == 1);
  CHECK(p.answers[0].question == "What?");
  CHECK(p.answers[0].tokens > 0);
  CHECK(!p.answers[0].text.empty());
  CHECK(heard.answer == p.answers[0].text);
  CHECK(heard.deltas == p.answers[0].text);

  const guint64 id = p.ask("bin", "And now?");  // after the end too
  CHECK(id > p.answers[0].id);
  CHECK(p.until([&] { return p.answers.size() == 2; }));
  CHECK(!p.cancel("bin", id));  // it has been answered

  GstStructure *stats = value_of<GstStructure *>(G_OBJECT(p["bin"]), "stats"), *enc = nullptr;
  REQUIRE(stats);
  guint64 frames = 0;
  CHECK(gst_structure_n_fields(stats) == 5);
  REQUIRE(gst_structure_get(stats, "enc", GST_TYPE_STRUCTURE, &enc, nullptr));
  CHECK(gst_structure_get_uint64(enc, "frames-out", &frames));
  CHECK(frames >= 1);
  gst_structure_free(enc);
  gst_structure_free(stats);
}

TEST_CASE("linked, it gives text") {
  Pipeline p(kSource + "vtokbin name=bin max-new-tokens=4 question=What?" + kModel +
             "! appsink name=out sync=false");
  CHECK(p.state(GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
  const SamplePtr sample = pull(p["out"]);
  REQUIRE(sample);
  const std::string text = bytes(gst_sample_get_buffer(sample.get()));
  CHECK(!pull(p["out"]));  // EOS follows the last answer
  CHECK(p.until([&] { return p.eos; }));
  REQUIRE(p.answers.size() == 1);
  CHECK(text == p.answers[0].text + "\n");
}

TEST_CASE("the text pad comes and goes") {
  GstElement *bin = gst_element_factory_make("vtokbin", nullptr);
  gst_object_ref_sink(bin);
  for (int again = 0; again < 2; ++again) {
    CHECK(GST_OBJECT_FLAG_IS_SET(bin, GST_ELEMENT_FLAG_SINK));  // else nobody would wait for its EOS
    GstPad *text = gst_element_request_pad_simple(bin, "src");
    REQUIRE(text);
    CHECK(!GST_OBJECT_FLAG_IS_SET(bin, GST_ELEMENT_FLAG_SINK));
    gst_element_release_request_pad(bin, text);
    gst_object_unref(text);
  }
  gst_object_unref(bin);
}

TEST_CASE("a property is that of the child who alone has it, model, device and dtype of each") {
  GstElement *bin = gst_element_factory_make("vtokbin", nullptr);
  gst_object_ref_sink(bin);
  g_object_set(bin, "model", "/nowhere", "device", "cpu", "max-interval", guint64(7), "batch", 3u,
               "ask-every", 2.5, "tokens-per-second", 9., "question", "Who?", "timestamps", FALSE, nullptr);
  gst_util_set_object_arg(G_OBJECT(bin), "dtype", "float16");
  gst_util_set_object_arg(G_OBJECT(bin), "mode", "incremental");
  gst_util_set_object_arg(G_OBJECT(bin), "memory", "merge");
  for (const char *name : {"enc", "llm"}) {
    CHECK(text_of(child(bin, name), "model") == "/nowhere");
    CHECK(value_of<gint>(child(bin, name), "dtype") == 3);
  }
  CHECK(value_of<guint64>(child(bin, "keyframe"), "max-interval") == 7);
  CHECK(value_of<guint>(child(bin, "enc"), "batch") == 3);
  CHECK(value_of<gint>(child(bin, "temporal"), "mode") == 1);
  CHECK(value_of<double>(child(bin, "llm"), "ask-every") == 2.5);
  CHECK(!value_of<gboolean>(child(bin, "llm"), "timestamps"));
  CHECK(text_of(G_OBJECT(bin), "question") == "Who?");
  CHECK(value_of<guint>(G_OBJECT(bin), "current-port") == 0);
  g_object_set(child(bin, "llm"), "question", "Where?", nullptr);
  CHECK(text_of(G_OBJECT(bin), "question") == "Where?");
  // What two children mean differently is reached through them.
  GObjectClass *klass = G_OBJECT_GET_CLASS(bin);
  for (const char *name : {"tau", "method", "max-tokens", "queue-size", "seed"})
    CHECK(!g_object_class_find_property(klass, name));
  gst_child_proxy_set(GST_CHILD_PROXY(bin), "temporal::tau", .25, "enc::queue-size", 5u, nullptr);
  CHECK(value_of<double>(child(bin, "temporal"), "tau") == .25);
  CHECK(value_of<guint>(child(bin, "enc"), "queue-size") == 5);
  // Every property a child has alone is here, with the same default.
  for (const char *name : {"keyframe", "enc", "spatial", "temporal", "llm"}) {
    guint n;
    GParamSpec **all = g_object_class_list_properties(G_OBJECT_GET_CLASS(child(bin, name)), &n);
    for (guint i = 0; i < n; ++i) {
      INFO(name << "::" << all[i]->name);
      GParamSpec *ours = g_object_class_find_property(klass, all[i]->name);
      if (!ours || all[i]->owner_type != G_OBJECT_TYPE(child(bin, name)) || G_IS_PARAM_SPEC_BOXED(ours))
        continue;
      CHECK(ours->value_type == all[i]->value_type);
      CHECK((ours->flags & ~G_PARAM_STATIC_STRINGS) == (all[i]->flags & ~G_PARAM_STATIC_STRINGS));
      GValue a = G_VALUE_INIT, b = G_VALUE_INIT;
      g_value_init(&a, ours->value_type), g_value_init(&b, ours->value_type);
      g_param_value_set_default(ours, &a), g_param_value_set_default(all[i], &b);
      CHECK(g_param_values_cmp(all[i], &a, &b) == 0);
      g_value_unset(&a), g_value_unset(&b);
    }
    g_free(all);
  }
  gst_object_unref(bin);
}

TEST_CASE("a model that is not there is one error, and the state change fails") {
  Pipeline p(kSource + "vtokbin model=/no/such/folder");
  CHECK(p.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
  p.poll();
  REQUIRE(!p.errors.empty());
  CHECK(p.errors[0].find("/no/such/folder") != std::string::npos);
}

TEST_CASE("it starts again after NULL, and can be stopped in the middle") {
  Pipeline p("videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=30/1 ! vtokbin name=bin" +
             kModel);
  for (int again = 0; again < 2; ++again) {
    CHECK(p.state(GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE);
    CHECK(p.until([&] { return p.stat("keyframe", "frames-out") > 0; }));
    p.state(GST_STATE_NULL);
  }
  CHECK(p.errors.empty());
}
