// vtokllm and vtokllmsink while an answer is made: cancelling, full queues, state changes, flushes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/check/gstharness.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/gst/fed.h"

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

TEST_CASE("a question that is being answered can be cancelled") {
  Held p("vtokllmsink name=llm backend=echo");
  const guint64 id = p.begin_answering();
  CHECK(p.cancel("llm", id));
  p.gate.release();
  REQUIRE(p.until([&] { return !p.answers.empty(); }));
  CHECK(p.answers[0].finish_reason == "cancelled");
  CHECK(p.answers[0].text == "question");
  CHECK_FALSE(p.cancel("llm", id));
}

TEST_CASE("of a flood of questions as many wait as may, the others are refused in a sentence and counted, and the stream goes on") {
  constexpr int kMost = 256;
  Held p("vtokllmsink name=llm backend=echo async=false");
  g_object_set(p["in"], "is-live", TRUE, nullptr);
  p.begin();
  REQUIRE(p.taken(1));
  for (int i = 0; i < kMost; ++i) REQUIRE(p.ask("llm", "What?") == guint64(i + 1));
  REQUIRE(p.gate.wait());
  for (int i = 0; i < 100; ++i) CHECK(p.ask("llm", "And I?") == 0);
  p.poll();
  REQUIRE(p.warnings.size() == 100);
  CHECK(p.warnings[0].find("256 questions wait") == 0);
  CHECK(p.stat("llm", "questions-refused") == 100);
  p.gate.release();
  REQUIRE(p.until([&] { return p.answers.size() == kMost; }));
  p.push(tokens(1, 1, 1, true));
  REQUIRE(p.taken(2));
  CHECK(p.ask("llm", "And now?") != 0);
  CHECK(p.finish());
  CHECK(p.answers.size() == kMost + 1);
  CHECK(p.stat("llm", "answers") == kMost + 1);
}

TEST_CASE("while an answer is made, a live stream loses the oldest buffers and a file's waits") {
  SECTION("live") {
    Held p("vtokllmsink name=llm backend=echo timestamps=false queue-size=2 async=false");
    g_object_set(p["in"], "is-live", TRUE, nullptr);
    p.begin_answering();
    for (int s = 1; s < 6; ++s) p.push(tokens(10 * s, s, 1, true));
    REQUIRE(p.until([&] { return p.qos == 3; }));
    p.gate.release();
    p.ask("llm", "And then?");
    REQUIRE(p.finish());
    CHECK(p.answers.back().text == "question \"And then?\", 3 groups, 91 tokens: 1, 40, 50 (open)");
    CHECK(p.stat("llm", "dropped-full") == 3);
  }
  SECTION("a file") {
    Held p("vtokllmsink name=llm backend=echo timestamps=false queue-size=2 question=All?");
    g_object_set(p["in"], "block", TRUE, "max-buffers", guint64(1), "max-bytes", guint64(0), nullptr);
    p.begin_answering();
    std::atomic<int> pushed{0};
    std::thread producer([&] {
      for (int s = 1; s < 20; ++s, ++pushed) p.push(tokens(1, s, 1, true));
    });
    g_usleep(100000);
    CHECK(pushed < 19);
    p.gate.release();
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
      Held p(rest);
      if (!at_eos) {
        p.begin_answering();
        for (int s = 1; s < 9; ++s) p.push(tokens(1, s, 1, true));
      } else {
        p.begin();
        p.end();
        REQUIRE(p.gate.wait());
      }
      // PAUSED and back does not lose what was waited for.
      p.state(GST_STATE_PAUSED);
      p.state(GST_STATE_PLAYING);
      std::thread later([&] {
        g_usleep(50000);
        p.gate.release();
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
  Held p("vtokllmsink name=llm backend=echo question=What?");
  p.begin();
  p.end();
  REQUIRE(p.gate.wait());
  p.state(GST_STATE_PAUSED);
  CHECK(p.reached(GST_STATE_PAUSED));
  p.gate.release();
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
