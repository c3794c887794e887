// vtokllm and vtokllmsink with the backend that says what it was given: groups, questions, order, waits that
// end. SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/check/gstharness.h>

#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "gst/bridge.h"
#include "tests/gst/pipeline.h"

using Catch::Matchers::Contains;

namespace {

constexpr char kCaps[] =
    "application/x-visual-tokens, type=(string)float32, hidden-size=(int)4, "
    "space=(string)\"test@0000000000000000\", "
    "stream-format=(string)raw, framerate=(fraction)0/1, extras=(string)none";
const std::string kSource = std::string("appsrc name=in format=time caps=\"") + [] {
  std::string caps = kCaps;  // quoted once more for the launch line
  for (size_t at = 0; (at = caps.find('"', at)) != std::string::npos; at += 2) caps.insert(at, "\\");
  return caps;
}() + "\" ! ";

GstBuffer *tokens(int n, double from_s, double duration_s, bool starts, float value = 1) {
  void *data;
  vtok::Tokens t = vtok::allocate_tokens(vtok::Type::kFloat32, n, 4, data);
  for (int i = 0; i < 4 * n; ++i) static_cast<float *>(data)[i] = value;
  t.records.resize(size_t(n));
  GstVtokCounts counts{};
  counts.frames = 1;
  counts.source_tokens = guint64(n);
  GstBuffer *buffer = vtok::write_tokens(t, counts, nullptr).release();
  GST_BUFFER_PTS(buffer) = GstClockTime(from_s * GST_SECOND);
  GST_BUFFER_DURATION(buffer) = GstClockTime(duration_s * GST_SECOND);
  if (!starts) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

struct Fed : Pipeline {
  explicit Fed(const std::string &rest) : Pipeline(kSource + rest) {}
  GstFlowReturn push(GstBuffer *buffer) {
    return gst_app_src_push_buffer(GST_APP_SRC((*this)["in"]), buffer);
  }
  void end() { gst_app_src_end_of_stream(GST_APP_SRC((*this)["in"])); }
  void play() { REQUIRE(state(GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE); }
  bool finish() {
    end();
    return until([&] { return eos || !errors.empty(); }) && errors.empty();
  }
  bool taken(guint64 buffers) {
    return until([&] { return stat("llm", "buffers-in") >= buffers; });
  }
};

}  // namespace

TEST_CASE("a question at EOS sees every group with its span, and EOS comes after the answer") {
  for (const char *rest : {"vtokllmsink name=llm backend=echo question=What?",
                           "vtokllm name=llm backend=echo question=What? ! fakesink"}) {
    INFO(rest);
    Fed p(rest);
    p.play();
    p.push(tokens(3, 0, 1, true));
    p.push(tokens(2, 1, 1, false));
    p.push(tokens(4, 12, 1.5, true));
    REQUIRE(p.finish());
    REQUIRE(p.answers.size() == 1);
    const Answered &a = p.answers[0];
    CHECK(a.id == 1);
    CHECK(a.question == "What?");
    CHECK(a.text == "question \"What?\", 2 groups, 9 tokens: [00:00.0–00:12.0] 5, [00:12.0–00:13.5] 4");
    CHECK(a.finish_reason == "stop");
    CHECK(a.from == 0);
    CHECK(a.to == 13500 * GST_MSECOND);
    CHECK(a.tokens == 9);
    CHECK(a.fields == 9);
    CHECK(p.warnings.empty());
    CHECK(p.stat("llm", "answers") == 1);
    CHECK(p.stat("llm", "tokens-in") == 9);
  }
}

TEST_CASE("the answer is a text buffer that ends in a newline, stamped with the time of asking, before EOS") {
  Fed p(
      "vtokllm name=llm backend=echo timestamps=false question=\"One?\nTwo?\" ! appsink name=out sync=false");
  p.play();
  p.push(tokens(3, 0, 1, true));
  p.push(tokens(3, 1, 1, true));
  p.end();
  for (const char *question : {"One?", "Two?"}) {
    const auto sample = pull(p["out"]);
    REQUIRE(sample);
    GstBuffer *buffer = gst_sample_get_buffer(sample.get());
    CHECK(bytes(buffer) == "question \"" + std::string(question) + "\", 2 groups, 6 tokens: 3, 3\n");
    CHECK(GST_BUFFER_PTS(buffer) == 2 * GST_SECOND);
    const GstStructure *caps = gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0);
    CHECK(gst_structure_has_name(caps, "text/x-raw"));
    CHECK(gst_structure_has_field_typed(caps, "format", G_TYPE_STRING));
  }
  CHECK_FALSE(pull(p["out"]));
  CHECK(gst_app_sink_is_eos(GST_APP_SINK(p["out"])));
}

TEST_CASE("deltas are a buffer for each piece, the last one the newline, and a signal each") {
  Fed p("vtokllm name=llm backend=echo deltas=true question=What? ! appsink name=out sync=false");
  std::string heard;
  g_signal_connect(p["llm"], "answer-delta",
                   G_CALLBACK(+[](GstElement *, guint64 id, const char *text, std::string *out) {
                     if (id == 1) *out += text;
                   }),
                   &heard);
  std::string answer;
  g_signal_connect(
      p["llm"], "answer",
      G_CALLBACK(+[](GstElement *, guint64, const char *text, std::string *out) { *out = text; }), &answer);
  p.play();
  p.push(tokens(3, 0, 1, true));
  p.end();
  std::string text;
  int buffers = 0;
  while (const auto sample = pull(p["out"])) {
    text += bytes(gst_sample_get_buffer(sample.get()));
    ++buffers;
  }
  REQUIRE(p.until([&] { return p.eos; }));
  CHECK(buffers > 3);
  CHECK(text == p.answers.at(0).text + "\n");
  CHECK(heard == p.answers[0].text);
  CHECK(answer == heard);
}

TEST_CASE("a question asked in mid-stream sees the closed groups and the open one as of asking") {
  Fed p("vtokllmsink name=llm backend=echo timestamps=false");
  p.play();
  p.push(tokens(3, 0, 1, true));
  p.push(tokens(2, 1, 1, true));
  p.push(tokens(1, 2, 1, false));
  REQUIRE(p.taken(3));
  CHECK(p.ask("llm", " Now? ") == 1);
  p.push(tokens(5, 3, 1, false));
  REQUIRE(p.until([&] { return p.answers.size() == 1; }));
  CHECK(p.answers[0].text == "question \"Now?\", 2 groups, 6 tokens: 3, 3 (open)");
  CHECK(p.answers[0].to == 3 * GST_SECOND);
  REQUIRE(p.finish());
  // After EOS too, until READY.
  CHECK(p.ask("llm", "And now?") == 2);
  REQUIRE(p.until([&] { return p.answers.size() == 2; }));
  CHECK(p.answers[1].text == "question \"And now?\", 2 groups, 11 tokens: 3, 8");
  p.state(GST_STATE_READY);
  CHECK(p.ask("llm", "Too late?") == 0);
  p.poll();
  CHECK_THAT(p.warnings.at(0), Contains("from PAUSED on"));
}

TEST_CASE("questions are asked every so often, each about what had come by then") {
  Fed p(
      "vtokllm name=llm backend=echo timestamps=false ask-every=2 question=\"Now?\" ! appsink name=out "
      "sync=false wait-on-eos=false");
  p.play();
  for (int s = 0; s < 7; ++s) p.push(tokens(1, s, 1, true));
  REQUIRE(p.finish());
  REQUIRE(p.answers.size() == 3);
  CHECK(p.answers[0].tokens == 2);
  CHECK(p.answers[1].tokens == 4);
  CHECK(p.answers[2].tokens == 6);
  for (int i = 1; i <= 3; ++i)
    CHECK(GST_BUFFER_PTS(gst_sample_get_buffer(pull(p["out"]).get())) == GstClockTime(2 * i) * GST_SECOND);
}

TEST_CASE("a GAP lengthens the open group, and time that passes without frames makes questions due") {
  GstHarness *h = gst_harness_new_parse("vtokllm backend=echo ask-every=5 question=Now?");
  gst_harness_set_src_caps_str(h, kCaps);
  gst_harness_push(h, tokens(2, 0, 1, true));
  gst_harness_push_event(h, gst_event_new_gap(1 * GST_SECOND, 5 * GST_SECOND));
  GstBuffer *buffer = gst_harness_pull(h);
  REQUIRE(buffer);
  CHECK(bytes(buffer) == "question \"Now?\", 1 group, 2 tokens: [00:00.0–00:06.0] 2 (open)\n");
  CHECK(GST_BUFFER_PTS(buffer) == 5 * GST_SECOND);
  gst_buffer_unref(buffer);
  gst_harness_teardown(h);
}

TEST_CASE("events go out in order: stream, caps, segment, a GAP to preroll by, the answers, EOS") {
  GstHarness *h = gst_harness_new_parse("vtokllm backend=echo question=What?");
  gst_harness_set_src_caps_str(h, kCaps);
  gst_harness_push(h, tokens(2, 0, 1, true));
  gst_harness_push_event(h, gst_event_new_eos());
  GstBuffer *buffer = gst_harness_pull(h);
  REQUIRE(buffer);
  gst_buffer_unref(buffer);
  std::vector<GstEventType> types;
  while (types.empty() || types.back() != GST_EVENT_EOS) {
    GstEvent *event = gst_harness_pull_event(h);
    REQUIRE(event);
    types.push_back(GST_EVENT_TYPE(event));
    gst_event_unref(event);
  }
  CHECK(types == std::vector<GstEventType>{GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT,
                                           GST_EVENT_GAP, GST_EVENT_EOS});
  gst_harness_teardown(h);
}

TEST_CASE("sinks preroll before there is anything to say") {
  Fed p("vtokllm name=llm backend=echo ! fakesink");
  p.state(GST_STATE_PAUSED);
  p.push(tokens(1, 0, 1, true));
  CHECK(p.reached(GST_STATE_PAUSED));
}

TEST_CASE("blank and broken questions are refused in one sentence") {
  Fed p("vtokllmsink name=llm backend=echo");
  p.play();
  p.push(tokens(1, 0, 1, true));
  CHECK(p.ask("llm", "") == 0);
  CHECK(p.ask("llm", " \n") == 0);
  CHECK(p.ask("llm", "a\xff") == 0);
  CHECK(p.ask("llm", nullptr) == 0);
  p.poll();
  REQUIRE(p.warnings.size() == 4);
  CHECK_THAT(p.warnings[0], Contains("the question is empty"));
  CHECK_THAT(p.warnings[2], Contains("not UTF-8"));
  CHECK(p.ask("llm", "fine?") == 1);
  CHECK(p.finish());
  CHECK(p.answers.size() == 1);

  Fed q("vtokllmsink name=llm backend=echo");
  g_object_set(q["llm"], "question", "a\xc3\nReally?\n\n", nullptr);
  q.play();
  q.push(tokens(1, 0, 1, true));
  CHECK(q.finish());
  CHECK(q.answers.size() == 1);
  REQUIRE(q.warnings.size() == 1);
  CHECK_THAT(q.warnings[0], Contains("not UTF-8"));
}

TEST_CASE("EOS before any tokens: a warning, an empty answer, no hang") {
  for (const char *rest : {"vtokllmsink name=llm backend=echo question=What?",
                           "vtokllm name=llm backend=echo question=What? ! fakesink"}) {
    Fed p(rest);
    p.play();
    REQUIRE(p.finish());
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].text == "");
    CHECK(p.answers[0].finish_reason == "no-tokens");
    CHECK(p.answers[0].tokens == 0);
    REQUIRE(p.warnings.size() == 1);
    CHECK_THAT(p.warnings[0], Contains("no tokens had arrived"));
  }
  Fed p("vtokllmsink name=llm backend=echo");
  p.play();
  REQUIRE(p.finish());
  CHECK(p.answers.empty());
  CHECK_THAT(p.warnings.at(0), Contains("before any tokens"));
}

TEST_CASE("a group larger than the memory is said to be, not passed off as nothing") {
  Fed p("vtokllmsink name=llm backend=echo memory-tokens=5 question=What?");
  p.play();
  p.push(tokens(6, 0, 1, true));
  REQUIRE(p.finish());
  CHECK(p.answers.at(0).finish_reason == "no-tokens");
  CHECK_THAT(p.warnings.at(0), Contains("has 6 tokens"));
}

TEST_CASE("memory-tokens bounds what is remembered, and answers claim no time that was forgotten") {
  Fed p("vtokllmsink name=llm backend=echo memory-tokens=5 question=What?");
  p.play();
  for (int s = 0; s < 9; ++s) p.push(tokens(2, s, 1, true));
  REQUIRE(p.finish());
  CHECK(p.answers.at(0).tokens == 4);
  CHECK(p.answers[0].from == 7 * GST_SECOND);
  CHECK(p.answers[0].to == 9 * GST_SECOND);
}

TEST_CASE("bad buffers are warned of, counted and dropped; the stream goes on") {
  Fed p("vtokllmsink name=llm backend=echo timestamps=false question=What?");
  p.play();
  p.push(tokens(2, 0, 1, true));
  p.push(tokens(3, 1, 1, true, std::numeric_limits<float>::quiet_NaN()));
  GstBuffer *odd = gst_buffer_new_allocate(nullptr, 17, nullptr);
  GST_BUFFER_PTS(odd) = 2 * GST_SECOND;
  p.push(odd);
  p.push(tokens(4, 3, 1, true));
  REQUIRE(p.finish());
  CHECK(p.answers.at(0).text == "question \"What?\", 2 groups, 6 tokens: 2, 4");
  CHECK(p.warnings.size() == 2);
  CHECK(p.stat("llm", "dropped-bad") == 2);
}

TEST_CASE("many questions from many threads: each answered once, cancelled ones say so") {
  Fed p("vtokllmsink name=llm backend=echo");
  p.play();
  p.push(tokens(50, 0, 1, true));
  REQUIRE(p.taken(1));
  constexpr int kThreads = 4, kEach = 50;
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        guint64 id = 0;
        g_signal_emit_by_name(p["llm"], "ask", "How many?", &id);
        refused += id == 0;
        gboolean was;
        if (i % 3 == 0) g_signal_emit_by_name(p["llm"], "cancel", id, &was);
      }
    });
  for (auto &thread : threads) thread.join();
  CHECK(refused == 0);
  REQUIRE(p.until([&] { return p.answers.size() == kThreads * kEach; }));
  std::set<guint64> ids;
  for (const Answered &a : p.answers) {
    ids.insert(a.id);
    CHECK((a.finish_reason == "stop" || a.finish_reason == "cancelled"));
  }
  CHECK(ids.size() == kThreads * kEach);
  CHECK_FALSE(p.cancel("llm", 1));
  CHECK(p.finish());
}

namespace {

// Holds the worker in the signal `answer-delta` of the first piece, as a slow model would.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false, open = false;
  static void piece(GstElement *, guint64, const char *, Gate *gate) {
    std::unique_lock lock(gate->mutex);
    gate->reached = true;
    gate->changed.notify_all();
    gate->changed.wait(lock, [&] { return gate->open; });
  }
  void attach(GstElement *llm) { g_signal_connect(llm, "answer-delta", G_CALLBACK(piece), this); }
  bool wait() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return reached; });
  }
  void release() {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

}  // namespace

TEST_CASE("a question that is being answered can be cancelled") {
  Fed p("vtokllmsink name=llm backend=echo");
  Gate gate;
  gate.attach(p["llm"]);
  p.play();
  p.push(tokens(1, 0, 1, true));
  REQUIRE(p.taken(1));
  const guint64 id = p.ask("llm", "What?");
  REQUIRE(gate.wait());
  CHECK(p.cancel("llm", id));
  gate.release();
  REQUIRE(p.until([&] { return !p.answers.empty(); }));
  CHECK(p.answers[0].finish_reason == "cancelled");
  CHECK(p.answers[0].text == "question");
  CHECK_FALSE(p.cancel("llm", id));
}

TEST_CASE("while an answer is made, a live stream loses the oldest buffers and a file's waits") {
  SECTION("live") {
    Fed p("vtokllmsink name=llm backend=echo timestamps=false queue-size=2 async=false");
    g_object_set(p["in"], "is-live", TRUE, nullptr);
    Gate gate;
    gate.attach(p["llm"]);
    p.play();
    p.push(tokens(1, 0, 1, true));
    REQUIRE(p.taken(1));
    p.ask("llm", "What?");
    REQUIRE(gate.wait());
    for (int s = 1; s < 6; ++s) p.push(tokens(10 * s, s, 1, true));
    REQUIRE(p.until([&] { return p.qos == 3; }));
    gate.release();
    p.ask("llm", "And then?");
    REQUIRE(p.finish());
    CHECK(p.answers.back().text == "question \"And then?\", 3 groups, 91 tokens: 1, 40, 50 (open)");
    CHECK(p.stat("llm", "dropped-full") == 3);
  }
  SECTION("a file") {
    Fed p("vtokllmsink name=llm backend=echo timestamps=false queue-size=2 question=All?");
    g_object_set(p["in"], "block", TRUE, "max-buffers", guint64(1), "max-bytes", guint64(0), nullptr);
    Gate gate;
    gate.attach(p["llm"]);
    p.play();
    p.push(tokens(1, 0, 1, true));
    REQUIRE(p.taken(1));
    p.ask("llm", "What?");
    REQUIRE(gate.wait());
    std::atomic<int> pushed{0};
    std::thread producer([&] {
      for (int s = 1; s < 20; ++s, ++pushed) p.push(tokens(1, s, 1, true));
    });
    g_usleep(100000);
    CHECK(pushed < 19);
    gate.release();
    producer.join();
    REQUIRE(p.finish());
    CHECK(p.answers.back().tokens == 20);
    CHECK(p.stat("llm", "dropped-full") == 0);
    CHECK(p.qos == 0);
  }
}

TEST_CASE("a state change ends every wait: for room, for the last answer") {
  for (const char *rest : {"vtokllmsink name=llm backend=echo queue-size=1 question=What?",
                           "vtokllm name=llm backend=echo queue-size=1 question=What? ! fakesink"}) {
    INFO(rest);
    for (const bool at_eos : {false, true}) {
      Fed p(rest);
      Gate gate;
      gate.attach(p["llm"]);
      p.play();
      p.push(tokens(1, 0, 1, true));
      if (!at_eos) {
        REQUIRE(p.taken(1));
        p.ask("llm", "What?");
        REQUIRE(gate.wait());
        for (int s = 1; s < 9; ++s) p.push(tokens(1, s, 1, true));
      } else {
        p.end();
        REQUIRE(gate.wait());
      }
      // PAUSED and back does not lose what was waited for.
      p.state(GST_STATE_PAUSED);
      p.state(GST_STATE_PLAYING);
      std::thread later([&] {
        g_usleep(50000);
        gate.release();
      });
      p.state(GST_STATE_NULL);
      later.join();
      p.poll();
      CHECK_FALSE(p.eos);
      CHECK(p.errors.empty());
      // And again from the start.
      p.play();
      REQUIRE(p.finish());
    }
  }
}

TEST_CASE("PAUSED in the middle of the last answer: EOS still comes") {
  Fed p("vtokllmsink name=llm backend=echo question=What?");
  Gate gate;
  gate.attach(p["llm"]);
  p.play();
  p.push(tokens(1, 0, 1, true));
  p.end();
  REQUIRE(gate.wait());
  p.state(GST_STATE_PAUSED);
  CHECK(p.reached(GST_STATE_PAUSED));
  gate.release();
  REQUIRE(p.until([&] { return p.answers.size() == 1; }));
  CHECK_FALSE(p.eos);
  p.state(GST_STATE_PLAYING);
  CHECK(p.until([&] { return p.eos; }));
}

TEST_CASE("a flush forgets everything and answers what was waiting with cancelled") {
  GstHarness *h = gst_harness_new_parse("vtokllm backend=echo timestamps=false question=What?");
  gst_harness_set_src_caps_str(h, kCaps);
  gst_harness_push(h, tokens(7, 0, 1, true));
  gst_harness_push_event(h, gst_event_new_flush_start());
  gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h, gst_event_new_segment(&segment));
  gst_harness_push(h, tokens(3, 0, 1, true));
  gst_harness_push_event(h, gst_event_new_eos());
  GstBuffer *buffer = gst_harness_pull(h);
  REQUIRE(buffer);
  CHECK(bytes(buffer) == "question \"What?\", 1 group, 3 tokens: 3\n");
  gst_buffer_unref(buffer);
  gst_harness_teardown(h);
}

TEST_CASE("spans are in stream time, also where the segment does not start at 0") {
  GstHarness *h = gst_harness_new_parse("vtokllm backend=echo question=What?");
  gst_harness_set_src_caps_str(h, kCaps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = 100 * GST_SECOND;
  segment.time = 10 * GST_SECOND;
  gst_harness_push_event(h, gst_event_new_segment(&segment));
  gst_harness_push(h, tokens(1, 100, 1, true));
  gst_harness_push_event(h, gst_event_new_eos());
  GstBuffer *buffer = gst_harness_pull(h);
  REQUIRE(buffer);
  CHECK_THAT(bytes(buffer), Contains("[00:10.0–00:11.0]"));
  CHECK(GST_BUFFER_PTS(buffer) == 1 * GST_SECOND);  // running time
  gst_buffer_unref(buffer);
  gst_harness_teardown(h);
}

TEST_CASE("a late answer does not make upstream leave out frames") {
  GstHarness *h = gst_harness_new_parse("vtokllm backend=echo");
  gst_harness_set_src_caps_str(h, kCaps);
  gst_harness_push(h, tokens(1, 0, 1, true));
  gst_harness_push_upstream_event(h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, .1, 9 * GST_SECOND, 0));
  gst_harness_push_upstream_event(h, gst_event_new_navigation(gst_structure_new_empty("x")));
  while (GstEvent *event = gst_harness_try_pull_upstream_event(h)) {
    CHECK(GST_EVENT_TYPE(event) != GST_EVENT_QOS);
    gst_event_unref(event);
  }
  gst_harness_teardown(h);
}

TEST_CASE("clock=utc tells the time of day, messages keep stream time") {
  Fed p("vtokllmsink name=llm backend=echo clock=utc question=What?");
  p.play();
  GstBuffer *buffer = tokens(1, 5, 1, true);
  GstCaps *unix_time = gst_caps_new_empty_simple("timestamp/x-unix");
  // 2020-01-01 14:05:12 UTC
  gst_buffer_add_reference_timestamp_meta(buffer, unix_time, 1577887512 * GST_SECOND, GST_CLOCK_TIME_NONE);
  gst_caps_unref(unix_time);
  p.push(buffer);
  REQUIRE(p.finish());
  CHECK_THAT(p.answers.at(0).text, Contains("[14:05:12.0–14:05:13.0]"));
  CHECK(p.answers[0].from == 5 * GST_SECOND);
  CHECK(p.answers[0].to == 6 * GST_SECOND);
}

TEST_CASE("a model of another space refuses the caps and names both spaces") {
  Fed p("vtokllmsink name=llm device=cpu dtype=float32 model=" + kCheckpoint);
  p.state(GST_STATE_PLAYING);
  p.push(tokens(1, 0, 1, true));
  CHECK(p.until([&] {
    for (const std::string &error : p.errors)  // beside that of loading, where there is no module to load it
      if (error.find("test@0000000000000000") != error.npos && error.find("llava_onevision@") != error.npos)
        return true;
    return false;
  }));
}

TEST_CASE("a wrong configuration fails at once, in one sentence") {
  Fed p("vtokllmsink name=llm model=/nowhere/model");
  CHECK(p.state(GST_STATE_READY) == GST_STATE_CHANGE_FAILURE);
  p.poll();
  CHECK_THAT(p.errors.at(0), Contains("/nowhere/model"));
}

TEST_CASE("a sampling setting that was never set is the model's business") {
  Fed p("vtokllmsink name=llm backend=echo");
  gdouble temperature = -1, top_p = -1;
  gboolean sync = TRUE;
  g_object_get(p["llm"], "temperature", &temperature, "top-p", &top_p, "sync", &sync, nullptr);
  CHECK(temperature == 0);
  CHECK(top_p == 1);
  CHECK_FALSE(sync);
}
