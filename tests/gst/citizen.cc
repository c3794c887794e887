// The whole chain as a part of somebody's pipeline: seeks, pauses, new caps, gaps, links that come and go, EOS.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/check/gstharness.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "tests/gst/fed.h"

namespace {

const std::string kEncoder = "vtokenc name=enc device=cpu dtype=float32 model=" + kCheckpoint + " ";
constexpr int kTokens = 9;  // of a frame, by the golden checkpoint
const std::string kKeepAll = "vtokspatial name=spatial method=none ! vtoktemporal name=temporal method=none ";

/// Frames that a pipeline's element has let through.
struct Count {
  std::atomic<int> buffers{0};
  void attach(GstElement *element, const char *name) {
    GstPad *pad = gst_element_get_static_pad(element, name);
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad *, GstPadProbeInfo *, gpointer count) {
          ++static_cast<Count *>(count)->buffers;
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
    gst_object_unref(pad);
  }
};

GstBuffer *grey(int width, int height, GstClockTime pts) {
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, gsize(GST_ROUND_UP_4(width * 3) * height), nullptr);
  gst_buffer_memset(buffer, 0, guint8(pts / GST_SECOND * 20), gst_buffer_get_size(buffer));
  GST_BUFFER_PTS(buffer) = pts;
  GST_BUFFER_DURATION(buffer) = GST_SECOND;
  return buffer;
}

}  // namespace

TEST_CASE("a seek while a question is answered: the answer is cancelled, then only the other part of the film is seen") {
  for (const char *mode : {"group", "incremental"}) {
    INFO(mode);
    Pipeline p("videotestsrc num-buffers=600 ! video/x-raw,framerate=2/1,width=32,height=32 ! vtokkeyframe method=interval "
               "max-interval=1000000000 ! " +
               kEncoder + "! " + kKeepAll + "mode=" + mode +
               " ! vtokllmsink name=llm backend=echo queue-size=4 question=End?");
    Gate gate;
    gate.attach(p["llm"]);
    p.state(GST_STATE_PLAYING);
    REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= 2; }));
    p.ask("llm", "Held?");
    REQUIRE(gate.wait());
    std::thread later([&] {
      g_usleep(50000);
      gate.release();
    });
    CHECK(gst_element_seek(GST_ELEMENT(p.bin()), 1, GST_FORMAT_TIME, GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                           GST_SEEK_TYPE_SET, 55 * GST_SECOND, GST_SEEK_TYPE_SET, 60 * GST_SECOND));
    later.join();
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }, 60));
    REQUIRE(p.answers.size() == 2);
    CHECK(p.answers[0].finish_reason == "cancelled");
    CHECK(p.answers[1].finish_reason == "stop");
    CHECK(p.answers[1].from == 55 * GST_SECOND);
    CHECK(p.answers[1].to == 60 * GST_SECOND);
    CHECK(p.answers[1].tokens == 10 * kTokens);
    CHECK(p.errors.empty());
    CHECK(p.warnings.empty());
  }
}

TEST_CASE("a live chain that is paused: questions are answered, nothing comes in; it goes on where it was") {
  Pipeline p("videotestsrc is-live=true ! video/x-raw,framerate=20/1,width=32,height=32 ! vtokkeyframe method=interval "
             "max-interval=200000000 ! " +
             kEncoder + "! " + kKeepAll + "! vtokllmsink name=llm backend=echo");
  for (int round = 0; round < 2; ++round) {
    const guint64 before = p.stat("llm", "buffers-in");
    p.state(GST_STATE_PLAYING);
    REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= before + 3; }));
    CHECK(p.state(GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
    p.ask("llm", "Now?");
    REQUIRE(p.until([&] { return p.answers.size() == size_t(2 * round + 1); }));
    const guint64 at_rest = p.stat("llm", "buffers-in");
    g_usleep(400000);  // two groups long
    CHECK(p.stat("llm", "buffers-in") <= at_rest + 1);
    p.ask("llm", "And now?");
    REQUIRE(p.until([&] { return p.answers.size() == size_t(2 * round + 2); }));
  }
  for (size_t i = 0; i < p.answers.size(); ++i) {
    CHECK(p.answers[i].finish_reason == "stop");
    if (i > 0) CHECK(p.answers[i].to >= p.answers[i - 1].to);
    CHECK(p.answers[i].from == p.answers[0].from);
  }
  CHECK(p.answers[2].to > p.answers[1].to);
  CHECK(p.errors.empty());
  CHECK(p.warnings.empty());
}

TEST_CASE("new caps in mid-stream close the group and go through the whole chain") {
  Pipeline p("appsrc name=in format=time ! vtokkeyframe method=interval ! " + kEncoder + "! " + kKeepAll +
             "! vtokllmsink name=llm backend=echo question=All?");
  p.state(GST_STATE_PLAYING);
  int frame = 0;
  const std::pair<std::string, int> parts[] = {
      {"format=RGB,width=64,height=64", 3}, {"format=RGB,width=96,height=32", 2}, {"format=GRAY8,width=40,height=10", 1}};
  for (const auto &[more, count] : parts) {
    GstCaps *caps = gst_caps_from_string(("video/x-raw,framerate=1/1," + more).c_str());
    int width, height;
    gst_structure_get(gst_caps_get_structure(caps, 0), "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr);
    const bool colour = more[7] == 'R';
    for (int i = 0; i < count; ++i, ++frame) {
      GstBuffer *buffer = grey(colour ? width : width / 3, height, GstClockTime(frame) * GST_SECOND);
      GstSample *sample = gst_sample_new(buffer, caps, nullptr, nullptr);
      gst_buffer_unref(buffer);
      CHECK(gst_app_src_push_sample(GST_APP_SRC(p["in"]), sample) == GST_FLOW_OK);
      gst_sample_unref(sample);
    }
    gst_caps_unref(caps);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(p["in"]));
  REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }, 60));
  CHECK(p.errors.empty());
  CHECK(p.warnings.empty());
  REQUIRE(p.answers.size() == 1);
  CHECK(p.answers[0].text ==
        "question \"All?\", 3 groups, 54 tokens: [00:00.0–00:03.0] 27, [00:03.0–00:05.0] 18, [00:05.0–00:06.0] 9");
}

TEST_CASE("a GAP goes through the whole chain: the open group lasts on, and questions fall due") {
  GstHarness *h = gst_harness_new_parse(
      ("vtokkeyframe ! " + kEncoder + "! " + kKeepAll + "mode=incremental ! vtokllm backend=echo ask-every=5 question=Now?").c_str());
  gst_harness_set_src_caps_str(h, "video/x-raw,format=RGB,width=64,height=64,framerate=1/1");
  CHECK(gst_harness_push(h, grey(64, 64, 0)) == GST_FLOW_OK);
  CHECK(gst_harness_push_event(h, gst_event_new_gap(GST_SECOND, 5 * GST_SECOND)));
  GstBuffer *buffer = gst_harness_pull(h);
  REQUIRE(buffer);
  CHECK(bytes(buffer) == "question \"Now?\", 1 group, 9 tokens: [00:00.0–00:06.0] 9 (open)\n");
  CHECK(GST_BUFFER_PTS(buffer) == 5 * GST_SECOND);
  gst_buffer_unref(buffer);
  gst_harness_teardown(h);
}

TEST_CASE("QOS events reach the encoder through the compressors") {
  GstHarness *h = gst_harness_new_parse("vtokspatial ! vtoktemporal");
  gst_harness_set_src_caps_str(h, kCaps);
  gst_harness_push(h, tokens(1, 0, 1, true));
  gst_harness_push_upstream_event(h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, .1, 9 * GST_SECOND, 0));
  bool came = false;
  while (GstEvent *event = gst_harness_try_pull_upstream_event(h)) {
    came = came || GST_EVENT_TYPE(event) == GST_EVENT_QOS;
    gst_event_unref(event);
  }
  CHECK(came);
  gst_harness_teardown(h);
}

TEST_CASE("EOS sent into a live pipeline drains it: every frame that came is answered for, then EOS comes") {
  Pipeline p("videotestsrc is-live=true ! video/x-raw,framerate=20/1,width=32,height=32 ! vtokkeyframe name=key method=interval ! " +
             kEncoder + "! " + kKeepAll + "! vtokllmsink name=llm backend=echo question=All?");
  p.state(GST_STATE_PLAYING);
  REQUIRE(p.until([&] { return p.stat("temporal", "frames-in") >= 5; }));
  CHECK(p.send(gst_event_new_eos()));
  REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
  CHECK(p.errors.empty());
  REQUIRE(p.answers.size() == 1);
  CHECK(p.stat("enc", "frames-in") == p.stat("key", "frames-out"));
  const guint64 encoded = p.stat("enc", "frames-out");
  CHECK(encoded + p.stat("enc", "dropped-full") == p.stat("enc", "frames-in"));
  CHECK(p.answers[0].tokens == encoded * kTokens);
}

TEST_CASE("the chain comes and goes behind a tee while the camera runs") {
  Pipeline p("videotestsrc is-live=true ! video/x-raw,framerate=20/1,width=32,height=32 ! tee name=t ! queue ! fakesink name=screen "
             "sync=true async=false");
  Count shown;
  shown.attach(p["screen"], "sink");
  p.state(GST_STATE_PLAYING);
  for (int round = 0; round < 3; ++round) {
    INFO(round);
    GError *error = nullptr;
    GstElement *chain = gst_parse_bin_from_description(
        ("queue ! vtokkeyframe method=interval max-interval=200000000 ! " + kEncoder + "! " + kKeepAll +
         "! vtokllmsink name=llm backend=echo async=false question=Last?")
            .c_str(),
        TRUE, &error);
    REQUIRE((chain && !error));
    gst_bin_add(p.bin(), GST_ELEMENT(gst_object_ref(chain)));
    GstPad *from = gst_element_request_pad_simple(p["t"], "src_%u"), *to = gst_element_get_static_pad(chain, "sink");
    CHECK(gst_element_sync_state_with_parent(chain));
    CHECK(gst_pad_link(from, to) == GST_PAD_LINK_OK);
    REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= 2; }));
    const size_t answers = p.answers.size();
    p.ask("llm", "Now?");
    REQUIRE(p.until([&] { return p.answers.size() == answers + 1; }));

    // Unlinked between two frames, then drained.
    const auto unlink = [](GstPad *pad, GstPadProbeInfo *, gpointer peer) {
      gst_pad_unlink(pad, GST_PAD(peer));
      return GST_PAD_PROBE_REMOVE;
    };
    gst_pad_add_probe(from, GST_PAD_PROBE_TYPE_IDLE, unlink, to, nullptr);
    REQUIRE(p.until([&] { return !gst_pad_is_linked(from); }));
    gst_pad_send_event(to, gst_event_new_eos());
    REQUIRE(p.until([&] { return p.answers.size() == answers + 2; }));
    gst_element_release_request_pad(p["t"], from);
    gst_object_unref(from);
    gst_object_unref(to);
    CHECK(gst_element_set_state(chain, GST_STATE_NULL) == GST_STATE_CHANGE_SUCCESS);
    gst_bin_remove(p.bin(), chain);
    gst_object_unref(chain);
    for (size_t i = answers; i < answers + 2; ++i) CHECK(p.answers[i].finish_reason == "stop");
    const int before = shown.buffers;
    CHECK(p.until([&] { return shown.buffers >= before + 3; }));  // the screen goes on
  }
  CHECK(p.errors.empty());
  CHECK(p.warnings.empty());
  CHECK_FALSE(p.eos);
}

TEST_CASE("a chain that is torn off in the middle of an answer, without EOS, and comes back") {
  Pipeline p("videotestsrc is-live=true ! video/x-raw,framerate=20/1,width=32,height=32 ! tee name=t ! queue ! fakesink name=screen "
             "async=false t. ! valve name=gate ! queue ! vtokkeyframe method=interval max-interval=200000000 ! " +
             kEncoder + "! " + kKeepAll + "! vtokllmsink name=llm backend=echo async=false");
  Count shown;
  shown.attach(p["screen"], "sink");
  Gate gate;
  gate.attach(p["llm"]);
  p.state(GST_STATE_PLAYING);
  REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= 2; }));
  p.ask("llm", "Now?");
  REQUIRE(gate.wait());
  g_object_set(p["gate"], "drop", TRUE, nullptr);
  std::thread later([&] {
    g_usleep(50000);
    gate.release();
  });
  for (const char *name : {"llm", "temporal", "spatial", "enc"}) {
    gst_element_set_locked_state(p[name], TRUE);
    CHECK(gst_element_set_state(p[name], GST_STATE_NULL) == GST_STATE_CHANGE_SUCCESS);
  }
  later.join();
  const int before = shown.buffers;
  CHECK(p.until([&] { return shown.buffers >= before + 3; }));
  CHECK(p.errors.empty());
  CHECK(p.answers.empty());
  for (const char *name : {"llm", "temporal", "spatial", "enc"}) {
    gst_element_set_locked_state(p[name], FALSE);
    CHECK(gst_element_sync_state_with_parent(p[name]));
  }
  g_object_set(p["gate"], "drop", FALSE, nullptr);
  REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= 2; }));
  p.ask("llm", "And now?");
  REQUIRE(p.until([&] { return !p.answers.empty(); }));
  CHECK(p.answers[0].question == "And now?");
  CHECK(p.answers[0].finish_reason == "stop");
  CHECK(p.errors.empty());
}

TEST_CASE("cameras in one process share one model of each kind: it is loaded once, and every one is answered") {
  const std::string model = " device=cpu dtype=float32 model=" + kCheckpoint + " ";
  const std::string chain = "video/x-raw,framerate=1/1,width=64,height=64 ! vtokkeyframe method=interval ! " + kEncoder +
                            "! " + kKeepAll + "! vtokllmsink name=llm question=What? max-new-tokens=4 temperature=0" + model;
  const auto loaded = [](const Pipeline &p) { return std::count(p.progress.begin(), p.progress.end(), GST_PROGRESS_TYPE_CONTINUE); };
  Pipeline first("videotestsrc num-buffers=3 ! " + chain);
  REQUIRE(first.run(60));
  CHECK(loaded(first) > 0);
  std::vector<std::unique_ptr<Pipeline>> others;
  for (int frames = 4; frames < 7; ++frames) {
    others.push_back(std::make_unique<Pipeline>("videotestsrc num-buffers=" + std::to_string(frames) + " ! " + chain));
    others.back()->state(GST_STATE_PLAYING);
  }
  for (size_t i = 0; i < others.size(); ++i) {
    Pipeline &p = *others[i];
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }, 60));
    CHECK(p.errors.empty());
    CHECK(loaded(p) == 0);
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].finish_reason == "length");
    CHECK(p.answers[0].tokens == (4 + i) * kTokens);
    CHECK(p.stat("enc", "frames-out") == 4 + i);
  }
}
