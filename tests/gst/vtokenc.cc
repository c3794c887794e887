// vtokenc with a real encoder: Hugging Face's tokens, any video, order, drops, waits that end.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "gst/bridge.h"
#include "gst/groups.h"
#include "gst/picture.h"
#include "tests/gst/pipeline.h"
#include "tests/npy.h"

using Catch::Contains;

namespace {

const std::string kEncoder = "vtokenc name=enc device=cpu dtype=float32 model=" + kCheckpoint + " ";
constexpr int kTokens = 9;  // 3x3 per frame, 96 wide: tests/golden/README.md

/// A harness around vtokenc; live or not as the test says.
struct Encoder {
  GstHarness *h;
  GstBus *bus = gst_bus_new();
  explicit Encoder(const std::string &properties = "", bool live = false) {
    h = gst_harness_new_parse((kEncoder + properties).c_str());
    gst_harness_set_live(h, live);
    gst_element_set_bus(h->element, bus);
  }
  ~Encoder() {
    gst_element_set_bus(h->element, nullptr);
    gst_harness_teardown(h);
    gst_object_unref(bus);
  }
  GstElement *element() { return gst_bin_get_by_name(GST_BIN(h->element), "enc"); }
  void caps(int width, int height, const char *rate = "10/1", const char *format = "RGB") {
    const std::string text = "video/x-raw, format=" + std::string(format) +
                             ", width=" + std::to_string(width) + ", height=" + std::to_string(height) +
                             ", framerate=" + rate;
    gst_harness_set_src_caps_str(h, text.c_str());
  }
  /// A grey RGB frame; rows padded to 4 bytes as GStreamer does.
  static GstBuffer *frame(int width, int height, GstClockTime pts, int value = 128) {
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, gsize(GST_ROUND_UP_4(width * 3) * height), nullptr);
    gst_buffer_memset(buffer, 0, guint8(value), gst_buffer_get_size(buffer));
    GST_BUFFER_PTS(buffer) = pts;
    return buffer;
  }
  vtok::BufferPtr pull() {
    GstBuffer *buffer = gst_harness_pull(h);
    REQUIRE(buffer);
    return vtok::BufferPtr(buffer);
  }
  guint64 stat(const char *field) {
    GstElement *enc = GST_IS_BIN(h->element) ? element() : GST_ELEMENT(gst_object_ref(h->element));
    GstStructure *stats = nullptr;
    g_object_get(enc, "stats", &stats, nullptr);
    gst_object_unref(enc);
    guint64 value = 0;
    REQUIRE(gst_structure_get_uint64(stats, field, &value));
    gst_structure_free(stats);
    return value;
  }
  int messages(GstMessageType type) {
    int n = 0;
    while (GstMessage *message = gst_bus_pop_filtered(bus, type)) {
      gst_message_unref(message);
      ++n;
    }
    return n;
  }
};

bool starts(const vtok::BufferPtr &buffer) {
  return !GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
}

}  // namespace

TEST_CASE("tokens are Hugging Face's, whether the frame is resized or not") {
  for (const char *name : {"case-a", "case-b"}) {
    INFO(name);
    const std::string folder = VTOK_GOLDEN "/llava-onevision/" + std::string(name);
    const auto facts = nlohmann::json::parse(vtok::test::read_bytes(folder + "/case.json"));
    const int width = facts["width"], height = facts["height"], count = facts["count"];
    const std::string frames = vtok::test::read_bytes(folder + "/frames.rgb");
    const auto tokens = vtok::test::read_npy(folder + "/tokens.npy");
    const float *expected = tokens.floats();
    Encoder e;
    e.caps(width, height);
    for (int i = 0; i < count; ++i) {
      GstBuffer *buffer = Encoder::frame(width, height, GstClockTime(i) * 100 * GST_MSECOND);
      const size_t row = size_t(width) * 3;
      for (int y = 0; y < height; ++y)
        gst_buffer_fill(buffer, size_t(y) * GST_ROUND_UP_4(row),
                        frames.data() + (size_t(i) * height + y) * row, row);
      REQUIRE(gst_harness_push(e.h, buffer) == GST_FLOW_OK);
    }
    for (int i = 0; i < count; ++i) {
      const auto buffer = e.pull();
      const vtok::CapsPtr caps(gst_pad_get_current_caps(e.h->sinkpad));
      const vtok::StreamInfo info(caps.get());
      const auto content = vtok::read_tokens(buffer.get(), info);
      REQUIRE(content.tokens.n == kTokens);
      REQUIRE(content.tokens.dim == 96);
      const auto *values = static_cast<const float *>(content.tokens.data.get());
      int wrong = 0;
      for (int k = 0; k < kTokens * 96; ++k) wrong += !(std::abs(values[k] - *expected++) < 1e-4f);
      CHECK(wrong == 0);
      CHECK(content.counts.grid_width == 3);
      CHECK(content.counts.grid_height == 3);
      CHECK(content.counts.frames == 1);
      CHECK(content.counts.source_tokens == kTokens);
      for (int k = 0; k < kTokens; ++k) {
        CHECK(content.tokens.records[k].row == k / 3);
        CHECK(content.tokens.records[k].column == k % 3);
        CHECK(content.tokens.records[k].weight == 1);
        CHECK(content.tokens.records[k].time == 0);
      }
      CHECK(GST_BUFFER_PTS(buffer.get()) == GstClockTime(i) * 100 * GST_MSECOND);
      CHECK(GST_BUFFER_DURATION(buffer.get()) == 100 * GST_MSECOND);
      CHECK(starts(buffer) == (i == 0));
      CHECK(info->hidden_size == 96);
      CHECK(info->max_tokens == kTokens);
      CHECK(info->fps_n == 10);
      CHECK(std::string(info->space).starts_with("llava_onevision@"));
      CHECK(std::string(info->extras) == "none");
    }
  }
}

TEST_CASE("every raw video format is taken") {
  GstCaps *all = gst_caps_from_string(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL));
  const GValue *formats = gst_structure_get_value(gst_caps_get_structure(all, 0), "format");
  // Who else holds the encoder saves loading it for every format.
  Pipeline holder("videotestsrc num-buffers=1 ! " + kEncoder + "! fakesink");
  holder.run();
  for (guint i = 0; i < gst_value_list_get_size(formats); ++i) {
    const std::string format = g_value_get_string(gst_value_list_get_value(formats, i));
    INFO(format);
    Pipeline p("videotestsrc num-buffers=2 pattern=smpte ! videoconvert ! video/x-raw,format=" + format +
               ",width=37,height=23 ! " + kEncoder + "! fakesink");
    CHECK(p.run());
    CHECK(p.stat("enc", "frames-out") == 2);
  }
  gst_caps_unref(all);
}

TEST_CASE("the same picture in another format has nearly the same tokens") {
  auto tokens = [](const std::string &format) {
    Pipeline p(
        "videotestsrc num-buffers=1 pattern=gradient ! videoconvert ! "
        "video/x-raw,width=140,height=140,format=" +
        format + " ! " + kEncoder + "! appsink name=out sync=false");
    p.state(GST_STATE_PLAYING);
    const auto sample = pull(p["out"]);
    REQUIRE(sample);
    const vtok::StreamInfo info(gst_sample_get_caps(sample.get()));
    const auto content = vtok::read_tokens(gst_sample_get_buffer(sample.get()), info);
    const auto *values = static_cast<const float *>(content.tokens.data.get());
    return std::vector<float>(values, values + content.tokens.n * content.tokens.dim);
  };
  const auto expected = tokens("RGB");
  for (const char *format : {"NV12", "YUY2", "BGRA", "GRAY8", "I420_10LE", "RGB16"}) {
    INFO(format);
    const auto got = tokens(format);
    double dot = 0, a = 0, b = 0;
    for (size_t i = 0; i < got.size(); ++i)
      dot += got[i] * expected[i], a += got[i] * got[i], b += expected[i] * expected[i];
    CHECK(dot / std::sqrt(a * b) > .99);
  }
}

TEST_CASE("a 1x1 and a 4096x2160 video") {
  for (const auto &[width, height] : {std::pair{1, 1}, {4096, 2160}, {1, 300}, {3, 1}}) {
    INFO(width << "x" << height);
    Encoder e;
    e.caps(width, height);
    REQUIRE(gst_harness_push(e.h, Encoder::frame(width, height, 0)) == GST_FLOW_OK);
    CHECK(gst_buffer_n_memory(e.pull().get()) == 2);
  }
}

TEST_CASE("the resolution changes in mid-stream: in order, a new group, the same caps") {
  Encoder e;
  e.caps(32, 24);
  for (int i = 0; i < 3; ++i) gst_harness_push(e.h, Encoder::frame(32, 24, GstClockTime(i) * GST_SECOND));
  e.caps(70, 71);
  for (int i = 3; i < 6; ++i) gst_harness_push(e.h, Encoder::frame(70, 71, GstClockTime(i) * GST_SECOND));
  for (int i = 0; i < 6; ++i) {
    const auto buffer = e.pull();
    CHECK(GST_BUFFER_PTS(buffer.get()) == GstClockTime(i) * GST_SECOND);
    CHECK(starts(buffer) == (i % 3 == 0));
    GstVtokCounts counts;
    REQUIRE(gst_vtok_buffer_get_counts(buffer.get(), &counts));
    CHECK(counts.group == guint64(i / 3));
  }
  int caps = 0;
  while (GstEvent *event = gst_harness_try_pull_event(e.h)) {
    caps += GST_EVENT_TYPE(event) == GST_EVENT_CAPS;
    gst_event_unref(event);
  }
  CHECK(caps == 1);
  CHECK(e.stat("groups") == 2);
  CHECK(e.stat("formats") == 2);
}

TEST_CASE("events keep their places among the frames, and EOS follows the last one") {
  Encoder e("batch=4");
  e.caps(32, 24);
  std::vector<std::string> sent, got;
  for (int i = 0; i < 12; ++i) {
    gst_harness_push(e.h, Encoder::frame(32, 24, GstClockTime(i) * 100 * GST_MSECOND));
    if (i % 3 == 2) gst_harness_push_event(e.h, gst_event_new_gap(GstClockTime(i) * 100 * GST_MSECOND, 1));
  }
  gst_harness_push_event(e.h, gst_event_new_eos());
  for (int i = 0; i < 12; ++i) CHECK(GST_BUFFER_PTS(e.pull().get()) == GstClockTime(i) * 100 * GST_MSECOND);
  int gaps = 0;
  for (bool eos = false; !eos;) {
    GstEvent *event = gst_harness_pull_event(e.h);
    REQUIRE(event);
    gaps += GST_EVENT_TYPE(event) == GST_EVENT_GAP;
    eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
  }
  CHECK(gaps == 4);
}

TEST_CASE("groups follow vtokkeyframe's marks, and frames without times follow the framerate") {
  Encoder e;
  e.caps(32, 24);
  const uint64_t groups[] = {7, 7, 8, 8, 9};
  for (const uint64_t group : groups) {
    GstBuffer *buffer = Encoder::frame(32, 24, GST_CLOCK_TIME_NONE);
    vtok::set_video_group(buffer, group);
    gst_harness_push(e.h, buffer);
  }
  const bool expected[] = {true, false, true, false, true};
  for (int i = 0; i < 5; ++i) {
    const auto buffer = e.pull();
    CHECK(starts(buffer) == expected[i]);
    CHECK(GST_BUFFER_PTS(buffer.get()) == GstClockTime(i) * 100 * GST_MSECOND);
    GstVtokCounts counts;
    REQUIRE(gst_vtok_buffer_get_counts(buffer.get(), &counts));
    CHECK(counts.group == groups[i] - 7);
  }
}

TEST_CASE("small pictures travel with groups' first tokens where somebody downstream asks for them") {
  Encoder e;
  e.caps(64, 32);
  auto pictured = [&, pts = GstClockTime(0)](uint64_t group) mutable {
    GstBuffer *frame = Encoder::frame(64, 32, pts, 77);
    vtok::set_video_group(frame, group);
    pts += GST_SECOND / 10;
    CHECK(gst_harness_push(e.h, frame) == GST_FLOW_OK);
    return vtok::picture_of(e.pull().get());
  };
  CHECK_FALSE(pictured(0));
  CHECK_FALSE(pictured(1));
  CHECK(gst_harness_push_upstream_event(e.h, vtok::want_pictures()));
  while (GstEvent *event = gst_harness_try_pull_upstream_event(e.h)) {
    CHECK_FALSE(vtok::wants_pictures(event));  // it ends here
    gst_event_unref(event);
  }
  CHECK_FALSE(pictured(1));
  const auto picture = pictured(2);
  REQUIRE(picture);
  CHECK(picture->width == 64);
  CHECK(picture->height == 32);
  CHECK(picture->rgb[100] == 77);
}

TEST_CASE("who listens for people asks for pictures, nobody else; through everything between") {
  for (const bool listens : {false, true}) {
    Pipeline p("videotestsrc num-buffers=3 ! video/x-raw,width=64,height=32 ! " + kEncoder +
               "! vtokspatial ! tee ! vtoktemporal ! vtokllmsink name=llm backend=echo" +
               (listens ? " listen=127.0.0.1:0" : ""));
    bool pictured = false;
    GstPad *pad = gst_element_get_static_pad(p["llm"], "sink");
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad *, GstPadProbeInfo *info, gpointer found) {
          *static_cast<bool *>(found) |= vtok::picture_of(GST_PAD_PROBE_INFO_BUFFER(info)).has_value();
          return GST_PAD_PROBE_OK;
        },
        &pictured, nullptr);
    gst_object_unref(pad);
    REQUIRE(p.run(60));
    CHECK(pictured == listens);
  }
}

TEST_CASE("reference timestamps travel on") {
  Encoder e;
  e.caps(32, 24);
  GstBuffer *frame = Encoder::frame(32, 24, 0);
  GstCaps *reference = gst_caps_new_empty_simple("timestamp/x-unix");
  gst_buffer_add_reference_timestamp_meta(frame, reference, 77, GST_CLOCK_TIME_NONE);
  gst_harness_push(e.h, frame);
  const auto buffer = e.pull();
  GstReferenceTimestampMeta *meta = gst_buffer_get_reference_timestamp_meta(buffer.get(), reference);
  REQUIRE(meta);
  CHECK(meta->timestamp == 77);
  gst_caps_unref(reference);
}

TEST_CASE("a frame that does not fit its caps is a warning and a counted drop") {
  Encoder e;
  e.caps(32, 24);
  gst_harness_push(e.h, gst_buffer_new_allocate(nullptr, 100, nullptr));
  gst_harness_push(e.h, Encoder::frame(32, 24, 0));
  e.pull();
  CHECK(e.stat("dropped-bad") == 1);
  CHECK(e.stat("frames-out") == 1);
  CHECK(e.messages(GST_MESSAGE_WARNING) == 1);
}

TEST_CASE("a DRAIN query waits until every frame is encoded and let go of; a flush ends the wait") {
  Encoder e;
  e.caps(64, 48);
  int freed = 0;
  for (int i = 0; i < 12; ++i) {
    GstBuffer *frame = Encoder::frame(64, 48, GstClockTime(i) * GST_SECOND);
    gst_mini_object_weak_ref(
        GST_MINI_OBJECT(frame), [](gpointer n, GstMiniObject *) { ++*static_cast<int *>(n); }, &freed);
    gst_harness_push(e.h, frame);
  }
  const auto drained = [&] {
    GstQuery *drain = gst_query_new_drain();
    const bool all = gst_pad_peer_query(e.h->srcpad, drain);
    gst_query_unref(drain);
    return all;
  };
  drained();  // nobody behind the harness answers
  CHECK(freed == 12);
  CHECK(gst_harness_buffers_in_queue(e.h) == 12);
  gst_harness_push_event(e.h, gst_event_new_flush_start());
  CHECK_FALSE(drained());
}

TEST_CASE("late frames are dropped before encoding, counted and told") {
  Encoder e;
  e.caps(32, 24);
  gst_harness_push(e.h, Encoder::frame(32, 24, 0));
  e.pull();
  // Downstream was 1 s late at 0: what ends before 2.1 s shall be skipped.
  gst_harness_push_upstream_event(e.h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, .5, GST_SECOND, 0));
  for (int i = 1; i <= 30; ++i)
    gst_harness_push(e.h, Encoder::frame(32, 24, GstClockTime(i) * 100 * GST_MSECOND));
  const auto next = e.pull();
  CHECK(GST_BUFFER_PTS(next.get()) == 2100 * GST_MSECOND);
  CHECK(GST_BUFFER_FLAG_IS_SET(next.get(), GST_BUFFER_FLAG_DISCONT));
  CHECK(e.stat("dropped-late") == 20);
  CHECK(e.messages(GST_MESSAGE_QOS) == 20);
}

TEST_CASE("a live stream loses the oldest frames when the encoder cannot keep up, a file none") {
  for (const bool live : {true, false}) {
    Encoder e("queue-size=2 batch=1", live);
    e.caps(640, 480);
    std::thread producer([&] {
      for (int i = 0; i < 60; ++i)
        gst_harness_push(e.h, Encoder::frame(640, 480, GstClockTime(i) * GST_MSECOND));
      gst_harness_push_event(e.h, gst_event_new_eos());
    });
    producer.join();
    while (GstEvent *event = gst_harness_pull_event(e.h)) {
      const bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
      gst_event_unref(event);
      if (eos) break;
    }
    CHECK(e.stat("frames-in") == 60);
    CHECK(e.stat("frames-out") + e.stat("dropped-full") == 60);
    CHECK((e.stat("dropped-full") > 0) == live);
    CHECK(e.messages(GST_MESSAGE_QOS) == int(live ? e.stat("dropped-full") : 0));
    // The newest is never lost.
    vtok::BufferPtr last;
    for (guint64 n = e.stat("frames-out"); n > 0; --n) last = e.pull();
    CHECK(GST_BUFFER_PTS(last.get()) == 59 * GST_MSECOND);
  }
}

TEST_CASE("latency grows by what a batch takes, and only what is live is told") {
  Encoder e("", true);
  gst_harness_set_upstream_latency(e.h, 20 * GST_MSECOND);
  e.caps(640, 480);
  for (int i = 0; i < 6; ++i) {
    gst_harness_push(e.h, Encoder::frame(640, 480, GstClockTime(i) * GST_SECOND));
    e.pull();
  }
  CHECK(gst_harness_query_latency(e.h) > 20 * GST_MSECOND);
  CHECK(e.messages(GST_MESSAGE_LATENCY) > 0);
}

TEST_CASE("a flush throws away what waits, also while the model loads, and a new group starts") {
  for (int round = 0; round < 10; ++round) {
    Encoder e;
    e.caps(32, 24);
    for (int i = 0; i < 5; ++i) gst_harness_push(e.h, Encoder::frame(32, 24, GstClockTime(i)));
    gst_harness_push_event(e.h, gst_event_new_flush_start());
    while (gst_harness_buffers_in_queue(e.h)) gst_buffer_unref(gst_harness_pull(e.h));
    gst_harness_push_event(e.h, gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(e.h, gst_event_new_segment(&segment));
    gst_harness_push(e.h, Encoder::frame(32, 24, GST_SECOND));
    const auto buffer = e.pull();
    CHECK(GST_BUFFER_PTS(buffer.get()) == GST_SECOND);
    CHECK(starts(buffer));
  }
}

TEST_CASE("a seek plays the other part of the film") {
  Pipeline p("videotestsrc name=src num-buffers=600 ! video/x-raw,framerate=10/1,width=32,height=32 ! " +
             kEncoder + "! fakesink name=out");
  p.state(GST_STATE_PAUSED);
  REQUIRE(p.reached(GST_STATE_PAUSED));
  REQUIRE(p.send(gst_event_new_seek(1, GST_FORMAT_TIME,
                                    GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                                    GST_SEEK_TYPE_SET, 2 * GST_SECOND, GST_SEEK_TYPE_SET, 4 * GST_SECOND)));
  REQUIRE(p.run());
}

TEST_CASE("a state change ends every wait: a full queue, a model that loads") {
  for (int round = 0; round < 5; ++round) {
    Pipeline p("videotestsrc ! " + kEncoder + "queue-size=1 ! fakesink sync=true");
    p.state(GST_STATE_PAUSED);
    if (round % 2) CHECK(p.reached(GST_STATE_PAUSED));
    p.state(GST_STATE_NULL);
    CHECK(p.reached(GST_STATE_NULL));
  }
}

TEST_CASE("it can play again, from the first group on") {
  Pipeline p("videotestsrc num-buffers=5 ! " + kEncoder + "! fakesink");
  for (int round = 0; round < 3; ++round) {
    p.eos = false;
    CHECK(p.run());
    CHECK(p.stat("enc", "frames-out") == 5);
    CHECK(p.stat("enc", "groups") == 1);
    p.state(GST_STATE_READY);
  }
}

TEST_CASE("loading is told from start to complete") {
  Pipeline p("videotestsrc num-buffers=1 ! " + kEncoder + "! fakesink");
  REQUIRE(p.run());
  REQUIRE(p.progress.size() >= 2);
  CHECK(p.progress.front() == GST_PROGRESS_TYPE_START);
  CHECK(p.progress.back() == GST_PROGRESS_TYPE_COMPLETE);
}

TEST_CASE("a wrong configuration fails at once, in one sentence") {
  Pipeline p("videotestsrc ! vtokenc name=enc model=/nowhere/model ! fakesink");
  CHECK(p.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
  p.poll();
  REQUIRE(p.errors.size() == 1);
  CHECK_THAT(p.errors[0], Contains("/nowhere/model"));

  g_object_set(p["enc"], "model", VTOK_GOLDEN, nullptr);  // a folder without config.json
  CHECK(p.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
  p.poll();
  REQUIRE(p.errors.size() == 2);
  CHECK_THAT(p.errors[1], Contains("config.json"));

  g_object_set(p["enc"], "model", kCheckpoint.c_str(), "device", "teapot", nullptr);
  CHECK(p.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
  p.poll();
  REQUIRE(p.errors.size() == 3);
  CHECK_THAT(p.errors[2], Contains("teapot"));

  g_object_set(p["enc"], "device", "cpu", nullptr);  // and then it works
  p.state(GST_STATE_PAUSED);
  CHECK(p.reached(GST_STATE_PAUSED));
}

TEST_CASE("tokens that downstream does not take are refused with both sides named") {
  Pipeline p("videotestsrc num-buffers=3 ! " + kEncoder +
             "! application/x-visual-tokens,space=(string)\"other@0123456789abcdef\" ! fakesink");
  CHECK_FALSE(p.run());
  REQUIRE_FALSE(p.errors.empty());
  CHECK_THAT(p.errors[0], Contains("other@0123456789abcdef") && Contains("llava_onevision@"));
}

TEST_CASE("tokens-per-second of vtoktemporal is held on real clips, of half a minute and of more than two, within a twentieth") {
  const std::pair<std::string, double> targets[] = {{"car-detection", 1.5}, {"one-by-one-person-detection", 12}};
  for (const auto &[clip, wanted] : targets) {
    INFO(clip);
    Pipeline p("filesrc location=\"" VTOK_GOLDEN "/../../pipelines/media/" + clip + ".mp4\" ! decodebin ! videoconvert ! "
               "vtokkeyframe min-interval=500000000 max-interval=2000000000 ! vtokenc device=cpu model=tiny ! "
               "vtoktemporal name=fewer tokens-per-second=" + std::to_string(wanted) + " ! fakesink");
    REQUIRE(p.run(120));
    GstStructure *stats = nullptr;
    g_object_get(p["fewer"], "stats", &stats, nullptr);
    double held = 0;
    CHECK(gst_structure_get_double(stats, "tokens-per-second", &held));
    gst_structure_free(stats);
    CHECK(held == Approx(wanted).epsilon(.05));
  }
}
