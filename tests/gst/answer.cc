// Video in, the model's own answer out: Hugging Face's text through the elements, and what interrupts it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/gst/pipeline.h"

namespace {

std::string file(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  REQUIRE(in);
  return out.str();
}

const std::string kModel = " device=cpu dtype=float32 model=" + kCheckpoint + " ";

}  // namespace

TEST_CASE("32 greedy tokens are Hugging Face's, text for text") {
  for (const char *name : {"case-a", "case-b"}) {
    INFO(name);
    const std::string folder = VTOK_GOLDEN "/llava-onevision/" + std::string(name);
    const auto facts = nlohmann::json::parse(file(folder + "/case.json"));
    const int width = facts["width"], height = facts["height"], count = facts["count"];
    Pipeline p("appsrc name=in format=time caps=video/x-raw,format=RGB,framerate=1/1,width=" +
               std::to_string(width) + ",height=" + std::to_string(height) + " ! vtokenc" + kModel +
               "! vtokllmsink name=llm" + kModel +
               "timestamps=false max-new-tokens=32 temperature=0 repetition-penalty=1");
    const std::string question = facts["question"];
    g_object_set(p["llm"], "question", question.c_str(), nullptr);
    p.state(GST_STATE_PLAYING);
    const std::string frames = file(folder + "/frames.rgb");
    const size_t row = size_t(width) * 3, stride = GST_ROUND_UP_4(row);
    for (int i = 0; i < count; ++i) {
      GstBuffer *buffer = gst_buffer_new_allocate(nullptr, stride * size_t(height), nullptr);
      for (int y = 0; y < height; ++y)
        gst_buffer_fill(buffer, size_t(y) * stride, frames.data() + (size_t(i) * height + y) * row, row);
      GST_BUFFER_PTS(buffer) = GstClockTime(i) * GST_SECOND;
      REQUIRE(gst_app_src_push_buffer(GST_APP_SRC(p["in"]), buffer) == GST_FLOW_OK);
    }
    gst_app_src_end_of_stream(GST_APP_SRC(p["in"]));
    REQUIRE(p.until([&] { return p.eos || !p.errors.empty(); }));
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].text == facts["text"].get<std::string>());
    CHECK(p.answers[0].finish_reason == "length");
    CHECK(p.answers[0].tokens == guint(count * 9));
    CHECK(p.answers[0].to == GstClockTime(count) * GST_SECOND);
    CHECK(p.warnings.empty());
  }
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
  // A group each: 800 frames of 9 tokens for 4096 positions.
  for (const std::string bound : {"", "memory-tokens=90"}) {
    INFO(bound);
    Pipeline p(
        "videotestsrc num-buffers=800 ! video/x-raw,width=64,height=64,framerate=3/1 ! "
        "vtokkeyframe method=interval max-interval=300000000 ! vtokenc" +
        kModel + "! vtokllmsink name=llm question=What? max-new-tokens=4 " + bound + kModel);
    REQUIRE(p.run(60));
    REQUIRE(p.answers.size() == 1);
    CHECK(p.answers[0].finish_reason == "length");
    CHECK(p.answers[0].tokens > 80);
    CHECK(p.answers[0].tokens <= (bound.empty() ? 4096 : 90));
    CHECK(p.answers[0].from > 0);
    CHECK(p.answers[0].to > 266 * GST_SECOND);
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
