// vtokllm and vtokllmsink with backend=echo: what questions see, how answers come out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/check/gstharness.h>

#include "tests/gst/fed.h"

using Catch::Contains;

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
    CHECK(!GST_BUFFER_DURATION_IS_VALID(buffer));
    const GstStructure *caps = gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0);
    CHECK(gst_structure_has_name(caps, "text/x-raw"));
    CHECK(gst_structure_has_field_typed(caps, "format", G_TYPE_STRING));
  }
  CHECK_FALSE(pull(p["out"]));
  CHECK(gst_app_sink_is_eos(GST_APP_SINK(p["out"])));
}

TEST_CASE("a text lasts until the question is asked again") {
  Fed p("vtokllm name=llm backend=echo ask-every=1.5 question=What? ! appsink name=out sync=false");
  p.play();
  for (int i = 0; i < 4; ++i) p.push(tokens(3, i, 1, true));
  p.end();
  const auto sample = pull(p["out"]);
  REQUIRE(sample);
  CHECK(GST_BUFFER_DURATION(gst_sample_get_buffer(sample.get())) == 1500 * GST_MSECOND);
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

TEST_CASE("a question that names a span sees what is remembered of it, and no more; of nothing it is told so") {
  Fed p("vtokllmsink name=llm backend=echo");
  p.play();
  for (int i = 0; i < 6; ++i) p.push(tokens(1 + i, 10 * i, 10, true));
  REQUIRE(p.taken(6));
  for (const char *question : {"[00:10–00:30] What?", "[-0:25–-0:15] What?", "[55..now] What?", "[100–200] What?"}) p.ask("llm", question);
  REQUIRE(p.until([&] { return p.answers.size() == 4; }));
  CHECK(p.answers[0].text == "question \"What?\", 2 groups, 5 tokens: [00:10.0–00:20.0] 2, [00:20.0–00:30.0] 3");
  CHECK(p.answers[0].question == "[00:10–00:30] What?");
  CHECK(p.answers[0].from == 10 * GST_SECOND);
  CHECK(p.answers[0].to == 30 * GST_SECOND);
  CHECK(p.answers[1].text == "question \"What?\", 2 groups, 9 tokens: [00:30.0–00:40.0] 4, [00:40.0–00:50.0] 5");
  CHECK(p.answers[2].text == "question \"What?\", 1 group, 6 tokens: [00:50.0–01:00.0] 6 (open)");
  CHECK(p.answers[3].finish_reason == "not-remembered");
  CHECK(p.answers[3].tokens == 0);
  REQUIRE(p.warnings.size() == 1);
  CHECK_THAT(p.warnings[0], Contains("question 4") && Contains("nothing is remembered"));
}

TEST_CASE("a question that names a span reaches what was put by long ago, and of a long span groups spread over it") {
  Fed p("vtokllmsink name=llm backend=echo memory=retrieve memory-tokens=64 timestamps=false queue-size=2000");
  p.play();
  constexpr int kGroups = 1200;
  for (int i = 0; i < kGroups; ++i) p.push(tokens(16, 10 * i, 10, true));
  REQUIRE(p.taken(kGroups));
  for (const char *question : {"[0–20] What?", "[3000–3020] What?", "[0–now] What?"}) p.ask("llm", question);
  REQUIRE(p.until([&] { return p.answers.size() == 3; }));
  for (const size_t i : {0, 1}) {
    CHECK(p.answers[i].text == "question \"What?\", 2 groups, 32 tokens: 16, 16");
    CHECK(p.answers[i].from == i * 3000 * GST_SECOND);
    CHECK(p.answers[i].to == (i * 3000 + 20) * GST_SECOND);
  }
  CHECK(p.answers[2].tokens <= 4096);
  CHECK(p.answers[2].tokens > 4000);
  CHECK(p.answers[2].from < 100 * GST_SECOND);
  CHECK(p.answers[2].to > (10 * kGroups - 100) * GST_SECOND);
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

TEST_CASE("history puts the last questions of ask and of the end before the next; setting it to 0 forgets") {
  Fed p("vtokllmsink name=llm backend=echo timestamps=false history=2 question=\"One?\nTwo?\"");
  p.play();
  p.push(tokens(3, 0, 1, true));
  REQUIRE(p.taken(1));
  size_t count = 0;
  const auto answer = [&](const char *question) {
    p.ask("llm", question);
    ++count;
    CHECK(p.until([&] { return p.answers.size() >= count; }));
    return p.answers.size() < count ? "" : p.answers.back().text;
  };
  const std::string open = ", 1 group, 3 tokens: 3 (open)";
  CHECK(answer("A?") == "question \"A?\"" + open);
  CHECK(answer("B?") == "question \"B?\", after \"A?\"" + open);
  CHECK(answer("C?") == "question \"C?\", after \"A?\", after \"B?\"" + open);
  CHECK(answer("D?") == "question \"D?\", after \"B?\", after \"C?\"" + open);
  g_object_set(p["llm"], "history", 0u, nullptr);
  CHECK(answer("E?") == "question \"E?\"" + open);
  g_object_set(p["llm"], "history", 1u, nullptr);
  CHECK(answer("F?") == "question \"F?\"" + open);
  g_object_set(p["llm"], "history", 0u, nullptr);
  g_object_set(p["llm"], "history", 1u, nullptr);
  CHECK(answer("G?") == "question \"G?\"" + open);
  REQUIRE(p.finish());
  REQUIRE(p.answers.size() == count + 2);
  const std::string closed = ", 1 group, 3 tokens: 3";
  CHECK(p.answers[count].text == "question \"One?\", after \"G?\"" + closed);
  CHECK(p.answers[count + 1].text == "question \"Two?\", after \"One?\"" + closed);
  CHECK(p.warnings.empty());
}

TEST_CASE("what ask-every and watch ask stands alone and stays out of the history") {
  Fed p("vtokllm name=llm backend=echo timestamps=false history=8 ask-every=1 question=Now? watch-every=1 "
        "watch=\"w | Standing?\" ! fakesink async=false");
  p.play();
  p.push(tokens(1, 0, 1, true));
  REQUIRE(p.taken(1));
  p.ask("llm", "First?");
  REQUIRE(p.until([&] { return p.answers.size() == 1; }));
  for (int s = 1; s < 3; ++s) p.push(tokens(1, s, 1, true));
  REQUIRE(p.taken(3));
  REQUIRE(p.until([&] { return p.answers.size() == 3; }));
  p.ask("llm", "Last?");
  REQUIRE(p.until([&] { return p.answers.size() == 4; }));
  REQUIRE(p.finish());
  REQUIRE(p.answers.size() == 4);
  CHECK(p.answers[1].text == "question \"Now?\", 1 group, 1 token: 1 (open)");
  CHECK(p.answers[2].text == "question \"Now?\", 2 groups, 2 tokens: 1, 1 (open)");
  CHECK(p.answers[3].text == "question \"Last?\", after \"First?\", 3 groups, 3 tokens: 1, 1, 1 (open)");
  CHECK(p.stat("llm", "standing-questions") == 2);
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

TEST_CASE("a sampling setting that was never set is the model's business") {
  Fed p("vtokllmsink name=llm backend=echo");
  gdouble temperature = -1, top_p = -1;
  gboolean sync = TRUE;
  g_object_get(p["llm"], "temperature", &temperature, "top-p", &top_p, "sync", &sync, nullptr);
  CHECK(temperature == 0);
  CHECK(top_p == 1);
  CHECK_FALSE(sync);
}

TEST_CASE("groups held back delay who waits for the clock, not vtokllmsink and its pipeline") {
  for (const bool sync : {false, true}) {
    INFO(sync);
    Fed p("vtoktemporal name=temporal ! " +
          std::string(sync ? "fakesink sync=true async=false" : "vtokllmsink backend=echo async=false"));
    g_object_set(p["in"], "is-live", TRUE, nullptr);
    p.play();
    for (int s = 0; s < 3; ++s) p.push(tokens(1, s, 1, s != 1));  // a group of 2 s, then the next
    REQUIRE(p.until([&] { return p.stat("temporal", "frames-out") == 1; }));
    CHECK(p.latency() == (sync ? 2 * GST_SECOND : 0));
  }
}
