// What vtokllm and vtokllmsink refuse or warn of, each in one sentence, and go on where they can.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits>

#include "tests/gst/fed.h"

using Catch::Contains;

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
