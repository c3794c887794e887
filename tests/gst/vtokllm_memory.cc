// What vtokllm and vtokllmsink remember: within memory-tokens and the context; what they say of the rest.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/gst/fed.h"

using Catch::Contains;

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

TEST_CASE("of a group larger than memory-tokens the newest parts are seen, open or closed") {
  Fed p("vtokllmsink name=llm backend=echo memory-tokens=5 question=Closed?");
  p.play();
  for (int s = 0; s < 4; ++s) p.push(tokens(2, s, 1, s == 0));
  REQUIRE(p.taken(4));
  p.ask("llm", "Open?");
  REQUIRE(p.finish());
  REQUIRE(p.answers.size() == 2);
  CHECK(p.answers[0].text == "question \"Open?\", 1 group, 4 tokens: [00:02.0–00:04.0] 4 (open)");
  CHECK(p.answers[1].text == "question \"Closed?\", 1 group, 4 tokens: [00:02.0–00:04.0] 4");
  CHECK(p.answers[1].from == 2 * GST_SECOND);
  CHECK(p.warnings.empty());  // as it was told to
}

TEST_CASE("a prompt longer than the context: said once, with the span that is seen") {
  constexpr guint kContext = 32768;  // of backend=echo
  for (const bool one_group : {false, true}) {
    INFO(one_group);
    Fed p("vtokllmsink name=llm backend=echo max-new-tokens=100 question=\"What?\nWhere?\"");
    p.play();
    for (int s = 0; s < 40; ++s) p.push(tokens(1000, s, 1, s == 0 || !one_group));
    REQUIRE(p.finish());
    REQUIRE(p.answers.size() == 2);
    for (const Answered &a : p.answers) {
      CHECK(a.tokens <= kContext - 100);
      CHECK(a.tokens > kContext - 2200);
      CHECK(a.from == (40 - a.tokens / 1000) * GST_SECOND);
      CHECK(a.to == 40 * GST_SECOND);
    }
    REQUIRE(p.warnings.size() == 1);
    const auto told = [&](const Answered &a) {  // by the first of the two that was answered
      return p.warnings[0].find("question " + std::to_string(a.id) + " sees [00:0" + std::to_string(a.from / GST_SECOND) +
                                ".0–00:40.0] only") != std::string::npos;
    };
    CHECK((told(p.answers[0]) || told(p.answers[1])));
    CHECK_THAT(p.warnings[0], Contains("the model's context of 32768"));
  }
}

TEST_CASE("a buffer that leaves no room in the context is left out, which is said") {
  Fed p("vtokllmsink name=llm backend=echo timestamps=false");
  p.play();
  p.push(tokens(10, 0, 1, true));
  p.push(tokens(32760, 1, 1, true));
  REQUIRE(p.taken(2));
  p.ask("llm", "What?");
  REQUIRE(p.until([&] { return p.answers.size() == 1; }));
  CHECK(p.answers[0].text == "question \"What?\", 1 group, 10 tokens: 10");
  REQUIRE(p.warnings.size() == 1);
  CHECK_THAT(p.warnings[0], Contains("the open group, whose newest part has 32760 tokens, was left out"));
  REQUIRE(p.finish());
  p.ask("llm", "And closed?");
  REQUIRE(p.until([&] { return p.answers.size() == 2; }));
  CHECK(p.answers[1].finish_reason == "no-tokens");
  CHECK_THAT(p.warnings.at(1), Contains("question 2 sees nothing") && Contains("has 32760 tokens"));
}

TEST_CASE("max-new-tokens that leave no room for tokens are named") {
  Fed p("vtokllmsink name=llm backend=echo max-new-tokens=40000 question=What?");
  p.play();
  p.push(tokens(3, 0, 1, true));
  REQUIRE(p.finish());
  CHECK(p.answers.at(0).finish_reason == "no-tokens");
  CHECK_THAT(p.warnings.at(0), Contains("an answer of up to 40000 tokens (max-new-tokens)"));
}

TEST_CASE("a question too long for the context is not answered without its tokens: that is said") {
  Fed p("vtokllmsink name=llm backend=echo");
  p.play();
  p.push(tokens(3, 0, 1, true));
  REQUIRE(p.taken(1));
  p.ask("llm", std::string(33000, 'a').c_str());
  REQUIRE(p.until([&] { return p.answers.size() == 1; }));
  CHECK(p.answers[0].finish_reason == "no-tokens");
  CHECK_THAT(p.warnings.at(0), Contains("question 1 sees nothing") && Contains("context of 32768"));
  p.ask("llm", "What?");
  REQUIRE(p.finish());
  CHECK(p.answers.at(1).tokens == 3);
}

TEST_CASE("the times told to the model take room in the context too") {
  // Rows left for groups: 32768 - 156 (answer) - 64 (template) - 5 (question) = 72 * 452 - 1.
  for (const bool timestamps : {true, false}) {
    INFO(timestamps);
    Fed p("vtokllmsink name=llm backend=echo max-new-tokens=156 question=What?");
    g_object_set(p["llm"], "timestamps", timestamps, nullptr);
    p.play();
    for (int s = 0; s < 800; ++s) p.push(tokens(40, s, 1, true));
    REQUIRE(p.finish());
    CHECK(p.answers.at(0).tokens == 40 * (timestamps ? 451 : 800));  // 40 tokens, 32 rows for the time
    CHECK(p.warnings.size() == (timestamps ? 1 : 0));
  }
}
