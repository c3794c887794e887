// Standing questions: how they are written, when an alert begins and ends, and what an application hears of
// it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/watch.h"

#include "tests/gst/client.h"
#include "tests/gst/fed.h"

using namespace vtok;
using Catch::Contains;

namespace {

std::string refused(const std::string &property) {
  try {
    parse_watches(property);
  } catch (const std::invalid_argument &error) {
    return error.what();
  }
  return "taken";
}

struct Alert {
  std::string name, question, text;
  bool active;
  double probability;
  guint64 id, from, to;
};

/// The alerts on the bus by now.
std::vector<Alert> alerts(const Pipeline &p) {
  std::vector<Alert> out;
  for (const auto &s : p.elements) {
    if (!gst_structure_has_name(s.get(), "vtok-alert")) continue;
    Alert a;
    gboolean active;
    REQUIRE(gst_structure_get(s.get(), "active", G_TYPE_BOOLEAN, &active, "probability", G_TYPE_DOUBLE,
                              &a.probability, "id", G_TYPE_UINT64, &a.id, "from", G_TYPE_UINT64, &a.from,
                              "to", G_TYPE_UINT64, &a.to, nullptr));
    a.active = active;
    a.name = gst_structure_get_string(s.get(), "name");
    a.question = gst_structure_get_string(s.get(), "question");
    a.text = gst_structure_get_string(s.get(), "text");
    out.push_back(a);
  }
  return out;
}

}  // namespace

TEST_CASE("a line names, asks and sets") {
  const auto watches = parse_watches(
      "car | Is there a car?\n\n  colour|What colour is it?|choices=white, dark red,none when=dark red "
      "threshold=0.8 "
      "hysteresis=.2 cooldown=1.5\n");
  REQUIRE(watches.size() == 2);
  CHECK(watches[0].name == "car");
  CHECK(watches[0].question == "Is there a car?");
  CHECK(watches[0].choices == std::vector<std::string>{"yes", "no"});
  CHECK(watches[0].when == "yes");
  CHECK(watches[1].choices == std::vector<std::string>{"white", "dark red", "none"});
  CHECK(watches[1].when == "dark red");
  CHECK(watches[1].threshold == .8);
  CHECK(watches[1].hysteresis == .2);
  CHECK(watches[1].cooldown == 1500000000);
  CHECK(parse_watches("a|b|choices=x,y")[0].when == "x");
  CHECK(parse_watches("").empty());
  CHECK_THAT(refused("a|b\nc"), Contains("line 2"));
  for (const char *wrong : {"a|b|c|d", "|b", "a| ", "a|b|threshold=2", "a|b|threshold=", "a|b|hysteresis=x",
                            "a|b|cooldown=-1", "a|b|when=maybe", "a|b|choices=x", "a|b|choices=x,x",
                            "a|b|choices=x,", "a|b|colour=red", "a|b|red", "a|b\xff"}) {
    CAPTURE(wrong);
    CHECK_THAT(refused(wrong), Contains("line 1 of watch: "));
  }
}

TEST_CASE(
    "an alert begins at its threshold, ends below the hysteresis, and does not begin again before it is "
    "cool") {
  Watch watch;
  watch.threshold = .7;
  watch.hysteresis = .2;
  watch.cooldown = 10;
  Alarm alarm(watch);
  CHECK_FALSE(alarm.see(.69, 0));
  CHECK(alarm.see(.7, 1));
  CHECK(alarm.active());
  CHECK_FALSE(alarm.see(.9, 2));
  CHECK_FALSE(alarm.see(.51, 3));
  CHECK(alarm.see(.49, 4));
  CHECK_FALSE(alarm.active());
  CHECK_FALSE(alarm.see(.99, 5));
  CHECK_FALSE(alarm.see(.99, 13));
  CHECK(alarm.see(.99, 14));
  CHECK(alarm.see(0, 15));
}

TEST_CASE(
    "standing questions are asked in time and told of when they change, on the bus and to who listens") {
  // The backend echo answers "yes" where the number of tokens is even.
  Fed p(
      "vtokllmsink name=llm backend=echo listen=127.0.0.1:0 watch-every=1 watch=\"even | Even? | "
      "threshold=0.5\nodd | Odd? | "
      "when=no cooldown=100\"");
  p.play();
  guint port = 0;
  g_object_get(p["llm"], "current-port", &port, nullptr);
  Client listener(port);
  listener.send(request_text("GET", "/events"));
  listener.read_until(":\n\n");
  // One buffer a second: sums 2 (even), 4, 5, 6, 8, 9 when the question is due, before that second's buffer.
  const int counts[] = {2, 2, 1, 1, 2, 1, 1};
  for (int i = 0; i < 7; ++i) p.push(tokens(counts[i], i, 1, false));
  REQUIRE(p.taken(7));
  REQUIRE(p.until([&] { return alerts(p).size() >= 6; }));
  REQUIRE(p.finish());
  const auto heard = alerts(p);
  REQUIRE(heard.size() == 6);
  const auto is = [&](size_t i, const char *name, bool active, const char *text, double to) {
    CAPTURE(i);
    CHECK(heard[i].name == name);
    CHECK(heard[i].active == active);
    CHECK(heard[i].text == text);
    CHECK(heard[i].probability == active);
    CHECK(heard[i].from == 0);
    CHECK(heard[i].to == guint64(to * GST_SECOND));
  };
  is(0, "even", true, "yes", 1);
  is(1, "even", false, "no", 3);
  is(2, "odd", true, "no", 3);
  is(3, "even", true, "yes", 4);
  is(4, "odd", false, "yes", 4);
  is(5, "even", false, "no", 6);  // odd is not cool yet
  CHECK(heard[0].question == "Even?");
  CHECK(p.answers.empty());
  CHECK(p.stat("llm", "alerts") == 6);
  CHECK(p.stat("llm", "standing-questions") == 12);
  CHECK(p.warnings.empty());
  CHECK_THAT(listener.read_until("\"active\":false"),
             Contains("event: alert\n") && Contains("\"name\":\"even\""));
}

TEST_CASE("a line that cannot be read fails to PAUSED and is named; a schema too") {
  for (const char *wrong : {"watch=nonsense", "answer-schema=\"{}\""}) {
    Fed p(std::string("vtokllmsink name=llm backend=echo async=false ") + wrong);
    CHECK(p.state(GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE);
    p.poll();
    REQUIRE(!p.errors.empty());
    CHECK_THAT(p.errors[0], Contains("line 1 of watch") || Contains("the schema"));
  }
}

TEST_CASE("answer-choices bind every answer of the element, a request's own come first") {
  Fed p("vtokllmsink name=llm backend=echo listen=127.0.0.1:0 answer-choices=\"left\nright\"");
  p.play();
  p.push(tokens(3, 0, 1, true));
  REQUIRE(p.taken(1));
  p.ask("llm", "Where?");
  REQUIRE(p.until([&] { return p.answers.size() == 1; }));
  CHECK(p.answers[0].text == "right");
  guint port = 0;
  g_object_get(p["llm"], "current-port", &port, nullptr);
  CHECK(chat(port, asking("Where?", R"(, "guided_choice": ["a", "b", "c"])"))
            .json()["choices"][0]["message"]["content"] == "a");
}
