// Questions: what is one, when the property's are due, ids.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/ask.h"

#include <catch2/catch.hpp>

#include "gst/span.h"

using Catch::Contains;

TEST_CASE("a question is trimmed UTF-8 with something in it") {
  CHECK(vtok::question_text("  Wer ist das?\n") == "Wer ist das?");
  CHECK(vtok::question_text("\xe4\xbd\xa0\xe5\xa5\xbd") == "\xe4\xbd\xa0\xe5\xa5\xbd");
  CHECK_THROWS_WITH(vtok::question_text(""), Contains("empty"));
  CHECK_THROWS_WITH(vtok::question_text(" \t\r\n"), Contains("empty"));
  CHECK_THROWS_WITH(vtok::question_text("ab\xff"), Contains("not UTF-8: byte 2"));
  CHECK_THROWS_WITH(vtok::question_text(std::string("a\0b", 3)), Contains("not UTF-8"));
}

TEST_CASE("one question a line, blank lines do not count") {
  std::vector<std::string> refused;
  CHECK(vtok::question_lines("", refused).empty());
  CHECK(vtok::question_lines("\n \n", refused).empty());
  CHECK(vtok::question_lines("What?\r\n\n  Who? ", refused) == std::vector<std::string>{"What?", "Who?"});
  CHECK(refused.empty());
  CHECK(vtok::question_lines("What?\n\xc3\nWho?", refused) == std::vector<std::string>{"What?", "Who?"});
  CHECK(refused.size() == 1);
}

TEST_CASE("a question may begin with the span of time that it is about") {
  constexpr int64_t kSecond = 1000000000;
  const auto span_of = [](std::string text) { return vtok::take_span(text); };
  const auto rest_of = [](std::string text) { return vtok::take_span(text), text; };
  const vtok::Span minutes{{270 * kSecond, false}, {335 * kSecond + kSecond / 2, false}};
  for (const char *text : {"[04:30.0–05:35.5] What?", "[4:30-5:35.5]What?", "[ 270 .. 335.5 ]  What?", "[0:04:30 to 335.50] What?"}) {
    CAPTURE(text);
    CHECK(span_of(text) == minutes);
    CHECK(rest_of(text) == "What?");
  }
  const vtok::Span back{{70 * kSecond, true}, {0, true}};
  for (const char *text : {"[-70 – now] Wer?", "[-1:10--0] Wer?", "[-1:10..now] Wer?"}) {
    CAPTURE(text);
    CHECK(span_of(text) == back);
  }
  CHECK(back.from.at(100 * kSecond) == 30 * kSecond);
  CHECK(back.to.at(100 * kSecond) == 100 * kSecond);
  for (const char *text : {"What?", "[x] is what?", "[5] What?", "[1–2]", "[1–2 What?", "[1:2:3:4–9] What?", "[–2] What?", "[1–] What?",
                           "[1234567890–1234567891] What?", "[1:–2] What?", "[]", "["}) {
    CAPTURE(text);
    CHECK_FALSE(span_of(text));
    CHECK(rest_of(text) == text);
  }
}

TEST_CASE("questions are due every so often from the first frame on, once after a jump") {
  vtok::Schedule never(0);
  CHECK(never.due(1000) == -1);
  vtok::Schedule schedule(10);
  CHECK(schedule.due(3) == -1);
  CHECK(schedule.due(12) == -1);
  CHECK(schedule.due(13) == 13);
  CHECK(schedule.due(13) == -1);
  CHECK(schedule.due(20) == -1);
  CHECK(schedule.due(24) == 23);
  CHECK(schedule.due(99) == 93);  // 33 ... 83 were passed over
  CHECK(schedule.due(102) == -1);
  CHECK(schedule.due(103) == 103);
  CHECK(schedule.due(50) == -1);  // a buffer that replaces older ones comes with an older time
}

TEST_CASE("ids start at 1, are never used twice, and cancel only what waits") {
  vtok::Pending pending;
  const auto first = pending.open("a", 5, true, nullptr);
  const auto second = pending.open("b", 6, false, nullptr);
  CHECK(first.id == 1);
  CHECK(second.id == 2);
  CHECK(pending.scheduled());
  CHECK(pending.cancel(1));
  CHECK(*first.cancelled);
  CHECK_FALSE(*second.cancelled);
  pending.close(1);
  CHECK_FALSE(pending.cancel(1));
  CHECK_FALSE(pending.cancel(77));
  CHECK_FALSE(pending.scheduled());
  pending.cancel_all();
  CHECK(*second.cancelled);
  const auto left = pending.take_all();
  REQUIRE(left.size() == 1);
  CHECK(left[0].text == "b");
  CHECK(left[0].at == 6);
  CHECK(pending.open("c", 0, false, nullptr).id == 3);
}
