// Video in, the model's own answer out: Hugging Face's text through the elements, and what interrupts it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "tests/gst/client.h"
#include "tests/gst/pipeline.h"
#include "tests/npy.h"

namespace {

const std::string kModel = " device=cpu dtype=float32 model=" + kCheckpoint + " ";

/// 32 greedy tokens of a family's golden cases on this device. `encoder`: where vtokenc's is; empty: the family's own.
void check_golden(const std::string &family, const std::string &device, const std::string &encoder = "") {
  const std::string placed = " device=" + device + " dtype=float32 model=",
                    model = placed + VTOK_GOLDEN "/" + family + "/checkpoint ",
                    encodes = encoder.empty() ? model : placed + encoder + " ";
  for (const char *name : {"case-a", "case-b"}) {
    CAPTURE(family, name);
    const std::string folder = VTOK_GOLDEN "/" + family + "/" + name;
    const auto facts = nlohmann::json::parse(vtok::test::read_bytes(folder + "/case.json"));
    const int width = facts["width"], height = facts["height"], count = facts["count"];
    Pipeline p("appsrc name=in format=time caps=video/x-raw,format=RGB,framerate=2/1,width=" +
               std::to_string(width) + ",height=" + std::to_string(height) + " ! vtokenc" + encodes +
               "! vtokllmsink name=llm" + model +
               "timestamps=false max-new-tokens=32 temperature=0 repetition-penalty=1");
    const std::string question = facts["question"];
    g_object_set(p["llm"], "question", question.c_str(), nullptr);
    p.state(GST_STATE_PLAYING);
    const std::string frames = vtok::test::read_bytes(folder + "/frames.rgb");
    const size_t row = size_t(width) * 3, stride = GST_ROUND_UP_4(row);
    for (int i = 0; i < count; ++i) {
      GstBuffer *buffer = gst_buffer_new_allocate(nullptr, stride * size_t(height), nullptr);
      for (int y = 0; y < height; ++y)
        gst_buffer_fill(buffer, size_t(y) * stride, frames.data() + (size_t(i) * height + y) * row, row);
      GST_BUFFER_PTS(buffer) = GstClockTime(i) * GST_SECOND / 2;
      REQUIRE(gst_app_src_push_buffer(GST_APP_SRC(p["in"]), buffer) == GST_FLOW_OK);
    }
    gst_app_src_end_of_stream(GST_APP_SRC(p["in"]));
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
    CHECK(p.errors.empty());
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].text == facts["text"].get<std::string>());
    CHECK(p.answers[0].finish_reason == "length");
    const auto shape = vtok::test::read_npy(folder + "/tokens.npy").shape;
    CHECK(p.answers[0].tokens == guint(shape[0] * shape[1]));
    CHECK(p.answers[0].to == GstClockTime(count) * GST_SECOND / 2);
    CHECK(p.warnings.empty());
  }
}

}  // namespace

TEST_CASE("32 greedy tokens are Hugging Face's, text for text, in every family") {
  for (const char *family : {"llava-onevision", "llava", "llava_next_video", "smolvlm", "internvl"})
    check_golden(family, "cpu");
}

TEST_CASE("an exported encoder stands in for a checkpoint's own, another has a space of its own") {
  check_golden("llava-onevision", "cpu", VTOK_GOLDEN "/exported-script");
  const auto play = [](const std::string &folder, const std::string &after) {
    Pipeline p("videotestsrc num-buffers=3 ! video/x-raw,width=40,height=30 ! vtokenc name=enc device=cpu dtype=float32 model=" VTOK_GOLDEN
               "/" + folder + " ! " + after);
    p.state(GST_STATE_PLAYING);
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
    REQUIRE(p.errors.size() <= 1);
    return p.errors.empty() ? "" : p.errors[0];
  };
  const std::string to_llm = "vtokllmsink device=cpu dtype=float32 question=? model=";
#ifdef __x86_64__
  CHECK(play("exported-package", "vtokspatial ! vtoktemporal ! fakesink") == "");
#endif
  CHECK_THAT(play("exported-package", to_llm + kCheckpoint), Catch::Contains("exported@") || Catch::Contains("negotiated"));
  CHECK_THAT(play("exported-program", "fakesink"),
             Catch::Contains("is an exported program") && Catch::Contains("aoti_compile_and_package") && !Catch::Contains("\n"));
  CHECK_THAT(play("exported-script", to_llm + VTOK_GOLDEN "/exported-script"),
             Catch::Contains("describes an exported encoder, which answers no questions") && !Catch::Contains("\n"));
}

TEST_CASE("device=cuda: the same text, or one sentence that says what is missing") {
  const std::string model = " device=cuda dtype=float32 model=" + kCheckpoint + " ";
  Pipeline p("videotestsrc ! vtokenc" + model + "! fakesink");
  if (p.state(GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE) {
    p.state(GST_STATE_NULL);
    return check_golden("llava-onevision", "cuda");
  }
  p.poll();
  REQUIRE(p.errors.size() == 1);
  CHECK_THAT(p.errors[0], Catch::Contains("'cuda' needs a GPU that LibTorch can use, found "));
  CHECK_THAT(p.errors[0], !Catch::Contains("\n"));
}

TEST_CASE("quantization: the same short answers; one sentence where it does not run") {
  std::vector<std::string> said;
  for (const std::string bits : {"none", "int8", "int4"}) {
    Pipeline p("videotestsrc pattern=red num-buffers=4 ! video/x-raw,width=168,height=168,framerate=2/1 ! vtokenc device=cpu ! "
               "vtokllmsink device=cpu question=\"Is there a car?\" quantization=" + bits);
    p.state(GST_STATE_PLAYING);
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
    REQUIRE(p.answers.size() == 1);
    said.push_back(p.answers[0].text);
  }
  CHECK(said == std::vector<std::string>(3, "no"));
  Pipeline p("fakesrc num-buffers=0 ! vtokllmsink device=cpu dtype=float16 quantization=int8");
  CHECK(p.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
  p.poll();
  REQUIRE(p.errors.size() == 1);
  CHECK_THAT(p.errors[0], Catch::Contains("quantization is for a CPU in float32 or bfloat16, found float16"));
}

TEST_CASE("a state change interrupts loading and answering") {
  for (const bool answering : {false, true}) {
    Pipeline p("videotestsrc num-buffers=20 ! video/x-raw,width=64,height=64 ! vtokenc" + kModel +
               "! vtokllmsink name=llm question=What? max-new-tokens=3000" + kModel);
    std::atomic<bool> begun{false};
    g_signal_connect(
        p["llm"], "answer-delta",
        G_CALLBACK(+[](GstElement *, guint64, const char *, std::atomic<bool> *b) { *b = true; }), &begun);
    p.state(GST_STATE_PLAYING);
    if (answering) CHECK(p.until([&] { return bool(begun); }));
    p.state(GST_STATE_NULL);
    CHECK(p.reached(GST_STATE_NULL));
  }
}

TEST_CASE(
    "a stream longer than the context: the newest groups are seen, and no time before them is claimed") {
  // A group each: frames of 9 tokens, beside which their times are, for 4096 positions or 90 tokens.
  for (const auto &[frames, bound] : {std::pair{300, std::string()}, {60, std::string("memory-tokens=90")}}) {
    INFO(bound);
    Pipeline p(
        "videotestsrc num-buffers=" + std::to_string(frames) + " ! video/x-raw,width=64,height=64,framerate=3/1 ! "
        "vtokkeyframe method=interval max-interval=300000000 ! vtokenc" +
        kModel + "! vtokllmsink name=llm question=What? max-new-tokens=4 " + bound + kModel);
    REQUIRE(p.run(140));
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].finish_reason == "length");
    CHECK(p.answers[0].tokens > 80);
    CHECK(p.answers[0].tokens <= (bound.empty() ? 4096 : 90));
    CHECK(p.answers[0].from > 0);
    CHECK(p.answers[0].to > GstClockTime(frames / 3 - 1) * GST_SECOND);
    CHECK(p.warnings.size() == (bound.empty() ? 1 : 0));
  }
}

namespace {

const std::string kChain = "vtokkeyframe ! vtokenc" + kModel +
                           "! vtokspatial ! vtoktemporal ! vtokllmsink name=llm" + kModel +
                           "question=What? max-new-tokens=4";

}  // namespace

TEST_CASE("a 1x1 and a 4096x2160 video go through every element and are answered") {
  for (const char *size : {"width=1,height=1", "width=4096,height=2160", "width=1,height=700"}) {
    INFO(size);
    Pipeline p("videotestsrc num-buffers=2 pattern=ball ! video/x-raw,framerate=1/1," + std::string(size) +
               " ! " + kChain);
    REQUIRE(p.run(60));
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].tokens > 0);
    CHECK(p.answers[0].finish_reason == "length");
    CHECK(p.warnings.empty());
  }
}

TEST_CASE("EOS before any frame, through every element: said once, answered without tokens") {
  Pipeline p("videotestsrc num-buffers=0 ! video/x-raw,width=64,height=64 ! " + kChain);
  REQUIRE(p.run());
  REQUIRE(p.answers.size() == 1);
  CHECK(p.answers[0].finish_reason == "no-tokens");
  REQUIRE(p.warnings.size() == 1);
  CHECK(p.warnings[0].find("no tokens had arrived") != std::string::npos);
}

TEST_CASE("an encoder and a language model of different spaces, linked, fail with both named") {
  Pipeline p(
      "videotestsrc num-buffers=3 ! video/x-raw,width=64,height=64 ! vtokenc device=cpu dtype=float32 "
      "model=tiny ! vtokllmsink name=llm question=What?" +
      kModel);
  CHECK_FALSE(p.run());
  CHECK(p.answers.empty());
  bool both = false;
  for (const std::string &error : p.errors) {
    const size_t first = error.find("llava_onevision@"), second = error.rfind("llava_onevision@");
    both = both || (first != second && error.compare(first, 32, error, second, 32) != 0);
  }
  CHECK(both);
}

TEST_CASE("a live stream is asked several things at once: each is answered as if alone, one is cancelled, a flush ends the rest") {
  Pipeline p("appsrc name=in is-live=true format=time caps=video/x-raw,format=RGB,framerate=1/1,width=64,height=64 ! vtokenc" +
             kModel + "! vtokllmsink name=llm async=false max-new-tokens=40 temperature=0 " + kModel);
  p.state(GST_STATE_PLAYING);
  int frame = 0;
  const auto push = [&] {
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, 64 * 64 * 3, nullptr);
    gst_buffer_memset(buffer, 0, guint8(20 + frame * 37), 64 * 64 * 3);
    GST_BUFFER_PTS(buffer) = GstClockTime(frame++) * GST_SECOND;
    REQUIRE(gst_app_src_push_buffer(GST_APP_SRC(p["in"]), buffer) == GST_FLOW_OK);
  };
  for (int i = 0; i < 4; ++i) push();
  REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= 4; }, 60));
  const std::vector<std::string> questions{"What?", "Where is it, then?", "Why?"};
  std::vector<std::string> alone;
  for (const std::string &question : questions) {
    p.ask("llm", question.c_str());
    REQUIRE(p.until([&] { return p.answers.size() > alone.size(); }, 60));
    alone.push_back(p.answers.back().text);
  }
  p.answers.clear();
  std::vector<guint64> ids;
  for (const std::string &question : questions) ids.push_back(p.ask("llm", question.c_str()));
  REQUIRE(p.until([&] { return p.answers.size() == 3; }, 60));
  for (const Answered &answer : p.answers)
    for (size_t i = 0; i < ids.size(); ++i)
      if (answer.id == ids[i]) CHECK(answer.text == alone[i]);

  g_object_set(p["llm"], "max-new-tokens", 3000, nullptr);
  p.answers.clear();
  ids.clear();
  for (const std::string &question : questions) ids.push_back(p.ask("llm", question.c_str()));
  CHECK(p.cancel("llm", ids[1]));
  REQUIRE(p.until([&] { return !p.answers.empty(); }, 60));
  CHECK(p.answers[0].id == ids[1]);
  CHECK(p.answers[0].finish_reason == "cancelled");
  push();  // the stream goes on meanwhile
  REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") >= 5; }, 60));
  CHECK(p.answers.size() == 1);
  p.send(gst_event_new_flush_start());
  p.send(gst_event_new_flush_stop(TRUE));
  REQUIRE(p.until([&] { return p.answers.size() == 3; }, 60));
  for (const Answered &answer : p.answers) CHECK(answer.finish_reason == "cancelled");
  // And a state change in the middle of several.
  push();
  for (const std::string &question : questions) p.ask("llm", question.c_str());
  p.state(GST_STATE_NULL);
  CHECK(p.reached(GST_STATE_NULL));
}

TEST_CASE("a schema that cannot be met fails its question alone, is counted, and the next one is answered") {
  Pipeline p("videotestsrc num-buffers=3 ! video/x-raw,width=64,height=64,framerate=1/1 ! vtokenc" + kModel + "! vtokllmsink name=llm" + kModel);
  g_object_set(p["llm"], "answer-schema", R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"boolean"}}})",
               "max-new-tokens", 4, "question", "What?", nullptr);
  REQUIRE(p.run(60));
  REQUIRE(p.answers.size() == 1);
  CHECK(p.answers[0].finish_reason == "error");
  REQUIRE(p.warnings.size() == 1);
  CHECK(p.warnings[0].find("question 1 cannot be answered: the schema's shortest answer") == 0);
  CHECK(p.stat("llm", "answers-failed") == 1);
  g_object_set(p["llm"], "max-new-tokens", 100, nullptr);
  p.ask("llm", "What?");
  REQUIRE(p.until([&] { return p.answers.size() == 2; }, 60));
  CHECK(nlohmann::json::parse(p.answers[1].text).at("b").is_boolean());
  CHECK(p.stat("llm", "answers-failed") == 1);
}

TEST_CASE("over HTTP, what cannot be met is the client's error, whether the form, the model or the length says so") {
  Pipeline p("videotestsrc num-buffers=3 ! video/x-raw,width=64,height=64,framerate=1/1 ! vtokenc" + kModel +
             "! vtokllmsink name=llm listen=127.0.0.1:0" + kModel);
  REQUIRE(p.run(60));
  guint port = 0;
  g_object_get(p["llm"], "current-port", &port, nullptr);
  const std::string schema = R"(,"response_format":{"type":"json_schema","json_schema":{"schema":)",
                            two = R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"boolean"}}}}})";
  const std::pair<std::string, const char *> wrong[] = {
      {schema + R"({"type":"string","pattern":"a+"}}})", "pattern"},
      {schema + R"({"type":"array","minItems":900,"maxItems":900,"items":{"type":"string","maxLength":900}}}})", "states"},
      {schema + two + R"(,"max_tokens":4)", "the schema's shortest answer"},
      {schema + two + R"(,"max_tokens":4,"stream":true)", "the schema's shortest answer"},
      {R"(,"guided_choice":["yes",")" + std::string(60000, 'n') + "\"]", "more than the model's context"},
      {R"(,"response_format":{"type":"json_schema","json_schema":[]})", "json_schema"},
      {R"(,"response_format":7)", "response_format"}};
  const auto asked = [](const std::string &more) { return R"({"messages":[{"role":"user","content":"What?"}])" + more + "}"; };
  for (const auto &[more, sentence] : wrong) {
    const Response r = chat(port, asked(more));
    INFO(more.substr(0, 100) << r.body);
    CHECK(r.status == 400);
    CHECK(r.error().at("type") == "invalid_request_error");
    CHECK_THAT(r.error().at("message"), Catch::Contains(sentence));
  }
  const Response good = chat(port, asked(schema + two + R"(,"max_tokens":100)"));
  CHECK(good.status == 200);
  CHECK(nlohmann::json::parse(good.json().at("choices")[0].at("message").at("content").get<std::string>()).at("b").is_boolean());
}

TEST_CASE("a stream faster than the model reads: what is behind is bounded, what is lost is counted, a question reads the rest") {
  constexpr int kFrames = 4000, kMost = 400;  // tokens
  Pipeline p("appsrc name=in is-live=true format=time caps=video/x-raw,format=RGB,framerate=25/1,width=64,height=64 ! vtokkeyframe "
             "method=interval max-interval=40000000 ! vtokenc name=enc queue-size=32" + kModel +
             "! vtokllmsink name=llm async=false queue-size=16 max-new-tokens=4 temperature=0 memory-tokens=" + std::to_string(kMost) + kModel);
  p.state(GST_STATE_PLAYING);
  guint64 behind = 0;
  const auto look = [&] { return behind = std::max(behind, p.stat("llm", "rows-behind")), p.stat("llm", "rows-behind"); };
  for (int i = 0; i < kFrames; ++i) {
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, 64 * 64 * 3, nullptr);
    gst_buffer_memset(buffer, 0, guint8(i * 37), 64 * 64 * 3);
    GST_BUFFER_PTS(buffer) = GstClockTime(i) * 40 * GST_MSECOND;
    REQUIRE(gst_app_src_push_buffer(GST_APP_SRC(p["in"]), buffer) == GST_FLOW_OK);
    if (i % 20 == 0) look();
  }
  REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") > 0 && look() == 0; }, 60));
  CHECK(behind < 20 * kMost);  // no more than the memory's groups, with their times
  const auto through = [&] { return p.stat("enc", "frames-out") + p.stat("enc", "dropped-full"); };
  REQUIRE(p.until([&] { return through() == kFrames; }, 60));
  REQUIRE(p.until([&] { return p.stat("llm", "buffers-in") + p.stat("llm", "dropped-full") == p.stat("enc", "frames-out"); }, 60));
  p.ask("llm", "What?");
  REQUIRE(p.until([&] { return p.answers.size() == 1; }, 60));
  CHECK(p.answers[0].finish_reason == "length");
  CHECK(p.answers[0].tokens <= kMost);
  CHECK(p.errors.empty());
}

TEST_CASE("a camera that stays on: the memory stays in its bound, and answers claim what it holds") {
  for (const char *memory : {"window", "merge", "retrieve"}) {
    INFO(memory);
    Pipeline p("videotestsrc is-live=true pattern=ball num-buffers=45 ! video/x-raw,width=64,height=64,framerate=15/1 ! "
               "vtokkeyframe method=interval max-interval=200000000 ! vtokenc queue-size=100" +
               kModel + "! vtokllmsink name=llm queue-size=100 question=What? max-new-tokens=4 memory-tokens=200 memory=" +
               memory + kModel);
    GstClockTime first = GST_CLOCK_TIME_NONE;  // a camera's first frame comes a little after 0
    GstPad *pad = gst_element_get_static_pad(p["llm"], "sink");
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad *, GstPadProbeInfo *info, gpointer at) {
          *static_cast<GstClockTime *>(at) = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_REMOVE;
        },
        &first, nullptr);
    gst_object_unref(pad);
    // The camera starts when both models are there, or its first frames would be lost.
    p.state(GST_STATE_PAUSED);
    REQUIRE(p.until([&] { return std::count(p.progress.begin(), p.progress.end(), GST_PROGRESS_TYPE_COMPLETE) == 2; }, 60));
    REQUIRE(p.run(120));
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].finish_reason == "length");
    const bool merge = memory == std::string("merge");
    CHECK(p.answers[0].tokens > (merge ? 40 : 100));
    CHECK(p.answers[0].tokens <= 200);
    if (memory != std::string("retrieve")) CHECK((p.answers[0].from == first) == merge);
    CHECK(p.answers[0].to > 2900 * GST_MSECOND);
    CHECK(p.errors.empty());
  }
}

TEST_CASE("with history, an answer is the one that a client who brings the same conversation gets") {
  Pipeline p("videotestsrc num-buffers=4 pattern=ball ! video/x-raw,framerate=1/1,width=64,height=64 ! vtokenc" + kModel +
             "! vtokllmsink name=llm listen=127.0.0.1:0 max-new-tokens=12 temperature=0 repetition-penalty=1 history=1" + kModel);
  REQUIRE(p.run());
  for (const char *question : {"What?", "Where is it, then?", "Why?"}) p.ask("llm", question);
  REQUIRE(p.until([&] { return p.answers.size() == 3; }, 60));
  guint port = 0;
  g_object_get(p["llm"], "current-port", &port, nullptr);
  const auto said = [](const char *role, const std::string &text) {
    return nlohmann::json({{"role", role}, {"content", text}});
  };
  for (const size_t i : {1, 2}) {
    const Answered &before = p.answers[i - 1], &now = p.answers[i];
    const auto ask = [&, port = port](const nlohmann::json &messages) {
      const Response response = chat(port, nlohmann::json({{"messages", messages}}).dump());
      REQUIRE(response.status == 200);
      return response.json().at("choices").at(0).at("message").at("content").get<std::string>();
    };
    // A message's text ends at a NUL, which this model may write.
    const std::string theirs = ask({said("user", before.question), said("assistant", before.text), said("user", now.question)});
    CHECK(now.text == theirs.c_str());
    CHECK(now.text != ask(nlohmann::json::array({said("user", now.question)})).c_str());
  }
}
