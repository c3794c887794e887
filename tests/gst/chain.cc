// Whole pipelines: real sources, threads, state changes, and links that must fail with an error.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <catch2/catch.hpp>
#include <thread>

#include "tests/gst/harness.h"

using namespace vtok::test;

namespace {

constexpr char kSource[] = "appsrc name=in format=time ! ";

class Pipeline {
  GstElement *pipeline_;
  GstBus *bus_;

 public:
  explicit Pipeline(const std::string &launch) {
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(launch.c_str(), &error);
    REQUIRE(taken(error) == "");
    gst_object_ref_sink(pipeline_);
    bus_ = gst_element_get_bus(pipeline_);
    if (launch.starts_with(kSource)) set_caps(token_caps());
  }
  ~Pipeline() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  Pipeline(const Pipeline &) = delete;
  GstElement *get() { return pipeline_; }
  void to(GstState state) { gst_element_set_state(pipeline_, state); }
  GstElement *named(const char *name) {
    GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    REQUIRE(element);
    gst_object_unref(element);  // the pipeline holds it
    return element;
  }
  void set_caps(const std::string &text) {
    GstCaps *caps = gst_caps_from_string(text.c_str());
    gst_app_src_set_caps(GST_APP_SRC(named("in")), caps);
    gst_caps_unref(caps);
  }
  guint64 stat(const char *element, const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(named(element), "stats", &stats, nullptr);
    guint64 value = 0;
    CHECK(gst_structure_get_uint64(stats, name, &value));
    gst_structure_free(stats);
    return value;
  }
  // "" at EOS, else the error; "timeout" after ten seconds.
  std::string ended() {
    GstMessage *message = gst_bus_timed_pop_filtered(bus_, 10 * GST_SECOND,
                                                     GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    if (!message) return "timeout";
    GError *error = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) gst_message_parse_error(message, &error, nullptr);
    gst_message_unref(message);
    return taken(error);
  }
};

void push_frames(GstElement *appsrc, int frames, int per_group) {
  for (int i = 0; i < frames; ++i)
    gst_app_src_push_buffer(GST_APP_SRC(appsrc),
                            frame_at(ramp(9, 2, float(i % 3)), 2, 40 * i, i % per_group == 0, 3));
  gst_app_src_end_of_stream(GST_APP_SRC(appsrc));
}

}  // namespace

TEST_CASE("a still video keeps a frame per group, a lively one many") {
  for (const bool lively : {false, true}) {
    Pipeline p(
        std::string("videotestsrc num-buffers=150 pattern=") + (lively ? "ball" : "smpte75") +
        " ! video/x-raw,width=320,height=240,framerate=30/1 ! vtokkeyframe name=k max-interval=1000000000 ! "
        "queue ! fakesink");
    p.to(GST_STATE_PLAYING);
    CHECK(p.ended() == "");
    CHECK(p.stat("k", "frames-in") == 150);
    CHECK(p.stat("k", "groups") == 5);
    if (!lively) CHECK(p.stat("k", "frames-out") == 5);
    if (lively) CHECK(p.stat("k", "frames-out") > 10);
  }
}

TEST_CASE("every size and format of video goes through, and changes on the way") {
  for (const char *caps : {"width=1,height=1,format=I420", "width=4096,height=2160,format=NV12",
                           "width=33,height=17,format=RGB16", "width=64,height=64,format=v210"}) {
    INFO(caps);
    Pipeline p(std::string("videotestsrc num-buffers=3 pattern=snow ! video/x-raw,framerate=5/1,") + caps +
               " ! vtokkeyframe name=k ! fakesink");
    p.to(GST_STATE_PLAYING);
    CHECK(p.ended() == "");
    CHECK(p.stat("k", "frames-in") == 3);
  }
  Pipeline p(
      "concat name=c ! vtokkeyframe name=k ! fakesink "
      "videotestsrc num-buffers=5 ! video/x-raw,width=64,height=48,format=I420 ! c. "
      "videotestsrc num-buffers=5 ! video/x-raw,width=128,height=96,format=RGB ! c.");
  p.to(GST_STATE_PLAYING);
  CHECK(p.ended() == "");
  CHECK(p.stat("k", "groups") == 2);
}

TEST_CASE("tokens go through both compressors, group by group") {
  for (const char *mode : {"group", "incremental"}) {
    Pipeline p(std::string(kSource) + "vtokspatial name=s ! queue ! vtoktemporal name=t mode=" + mode +
               " ! appsink name=out sync=false");
    p.to(GST_STATE_PLAYING);
    push_frames(p.named("in"), 30, 10);
    int starts = 0;
    while (GstSample *sample = gst_app_sink_pull_sample(GST_APP_SINK(p.named("out")))) {
      GstBuffer *buffer = gst_sample_get_buffer(sample);
      starts += !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
      CHECK(counts_of(buffer).n >= 1);
      gst_sample_unref(sample);
    }
    CHECK(p.ended() == "");
    CHECK(starts == 3);
    CHECK(p.stat("s", "frames-out") == 30);
    CHECK(p.stat("t", "groups") == 3);
  }
}

TEST_CASE("a second run forgets the first") {
  Pipeline p(std::string(kSource) + "vtokspatial name=s ! vtoktemporal name=t ! fakesink");
  for (int run = 0; run < 2; ++run) {
    p.to(GST_STATE_PLAYING);
    push_frames(p.named("in"), 4, 2);
    CHECK(p.ended() == "");
    CHECK(p.stat("t", "groups") == 2);
    p.to(GST_STATE_READY);
  }
}

TEST_CASE("it can be stopped in the middle of a group") {
  Pipeline p(std::string(kSource) + "vtokspatial ! vtoktemporal ! fakesink");
  p.to(GST_STATE_PLAYING);
  for (int i = 0; i < 20; ++i)
    gst_app_src_push_buffer(GST_APP_SRC(p.named("in")), frame_at(ramp(9, 2, 1), 2, 40 * i, i == 0, 3));
  p.to(GST_STATE_NULL);
}

TEST_CASE("properties change while tokens flow") {
  Pipeline p(std::string(kSource) + "vtokspatial name=s ! vtoktemporal name=t ! fakesink");
  p.to(GST_STATE_PLAYING);
  std::thread setter([&] {
    for (int i = 0; i < 200; ++i)
      g_object_set(p.named(i % 2 ? "s" : "t"), "tau", .5 + .002 * i, "max-tokens", guint(1 + i % 9), nullptr);
  });
  push_frames(p.named("in"), 300, 10);
  CHECK(p.ended() == "");
  setter.join();
}

TEST_CASE("streams that do not fit end in an error") {
  const std::pair<std::string, std::string> wrong[] = {
      {"vtokspatial ! application/x-visual-tokens,space=(string)other ! fakesink", token_caps()},
      {"vtokspatial ! application/x-visual-tokens,hidden-size=(int)3 ! fakesink", token_caps()},
      {"vtokspatial ! fakesink", token_caps(2, ", levels=(int)0")},
      {"vtoktemporal ! fakesink", token_caps(2, ", extras=(string)\"a,a\"")},
      {"vtokspatial ! fakesink", "application/x-visual-tokens, stream-format=(string)framed"}};
  for (const auto &[launch, caps] : wrong) {
    INFO(launch << " with " << caps);
    Pipeline p(kSource + launch);
    p.set_caps(caps);
    p.to(GST_STATE_PLAYING);
    push_frames(p.named("in"), 2, 1);
    const std::string end = p.ended();
    CHECK(end != "");
    CHECK(end != "timeout");
  }
}

TEST_CASE("EOS before any frame ends a chain") {
  Pipeline p(std::string(kSource) + "vtokspatial ! vtoktemporal ! fakesink");
  p.to(GST_STATE_PLAYING);
  push_frames(p.named("in"), 0, 1);
  CHECK(p.ended() == "");
}

TEST_CASE("the example program runs and prints what is left") {
  gchar *out = nullptr, *error = nullptr;
  gint status = 1;
  gchar program[] = VTOK_EXAMPLE;
  gchar *arguments[] = {program, nullptr};
  REQUIRE(g_spawn_sync(nullptr, arguments, nullptr, G_SPAWN_DEFAULT, nullptr, nullptr, &out, &error, &status,
                       nullptr));
  INFO(error);
  CHECK(status == 0);
  CHECK(std::string(out) ==
        "0:00:00.000000000 1 tokens: row 0 column 0 stands for 12;\n"
        "0:00:01.000000000 2 tokens: row 0 column 0 stands for 6; row 0 column 2 stands for 6;\n"
        "0:00:02.000000000 2 tokens: row 0 column 0 stands for 6; row 0 column 2 stands for 6;\n");
  g_free(out);
  g_free(error);
}
