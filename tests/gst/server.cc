// The server before an element that does as the test says: loading, times, slow clients, many connections,
// its end. SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/server.h"

#include <gst/gst.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/gst/client.h"

using namespace vtok;
using Catch::Contains;

namespace {

/// Answers nothing by itself: the test speaks through the listeners of the questions that came.
class Fake : public Served {
  std::mutex mutex_;
  std::vector<std::shared_ptr<const AskOptions>> questions_;

 public:
  std::atomic<State> state{State::kReady};
  std::atomic<int> asked{0}, cancelled{0};
  std::atomic<bool> refuses{false};
  std::function<void(std::vector<GroupPtr>)> tell;  // kept: the worker does not come to it

  State serving() override { return state; }
  std::string element_name() override { return "fake"; }
  std::string model_name() override { return "fake"; }
  uint64_t ask(const std::string &, std::shared_ptr<const AskOptions> options) override {
    if (refuses) throw std::logic_error("not now");
    std::lock_guard lock(mutex_);
    questions_.push_back(std::move(options));
    return uint64_t(++asked);
  }
  bool cancel(uint64_t) override { return ++cancelled; }
  GstStructure *stats() const override { return gst_structure_new_empty("stats"); }
  bool remembered(std::function<void(std::vector<GroupPtr>)> what) override {
    tell = std::move(what);
    return true;
  }
  int64_t stream_time(int64_t told) override { return told; }
  std::shared_ptr<QuestionListener> listener(size_t i) {
    std::lock_guard lock(mutex_);
    return questions_.at(i)->listener;
  }
  void forget() {
    std::lock_guard lock(mutex_);
    questions_.clear();
  }
};

bool until(const std::function<bool()> &done) {
  for (int i = 0; i < 1000 && !done(); ++i) g_usleep(10000);
  return done();
}
ServerLimits quick() {
  ServerLimits limits;
  limits.request_ms = 300;
  limits.stall_ms = 300;
  limits.answer_ms = 400;
  limits.stop_ms = 200;
  return limits;
}
Answer said(const std::string &text, const char *why = "stop") {
  Answer answer;
  answer.text = text;
  answer.finish_reason = why;
  return answer;
}
std::string question(const char *more = "") {
  return std::string("{\"messages\":[{\"role\":\"user\",\"content\":\"?\"}]") + more + "}";
}

}  // namespace

TEST_CASE("who asks before the model is there is told when to come again") {
  Fake fake;
  Server server(fake, parse_listen("0"), "");
  const unsigned port = server.address().port;
  fake.state = Served::State::kLoading;
  Response r = chat(port, question());
  CHECK(r.status == 503);
  CHECK(r.headers.at("retry-after") == "2");
  CHECK(r.error().at("code") == "model_loading");
  fake.state = Served::State::kFailed;
  r = chat(port, question());
  CHECK(r.status == 503);
  CHECK(r.headers.count("retry-after") == 0);
  fake.state = Served::State::kReady;
  fake.refuses = true;
  CHECK(chat(port, question()).status == 503);
  CHECK(fake.asked == 0);
}

TEST_CASE("each end of an answer has its status") {
  Fake fake;
  Server server(fake, parse_listen("0"), "");
  Answer unmet = said("", "error");
  unmet.unmet = true;
  const std::pair<Answer, int> ends[] = {{said("Yes."), 200},
                                         {said("Yes", "length"), 200},
                                         {said("", "cancelled"), 503},
                                         {said("", "no-tokens"), 503},
                                         {said("", "error"), 500},
                                         {unmet, 400}};
  int asked = 0;
  for (const auto &[answer, status] : ends) {
    ++asked;
    Client client(server.address().port);
    client.send(chat_text(question()));
    REQUIRE(until([&] { return fake.asked == asked; }));
    fake.listener(size_t(asked) - 1)->on_answer(answer, 0, 0);
    CHECK(parse_response(client.read_all()).status == status);
  }
}

TEST_CASE("an answer that takes too long is given up") {
  Fake fake;
  Server server(fake, parse_listen("0"), "", quick());
  const Response r = chat(server.address().port, question());
  CHECK(r.status == 504);
  CHECK(r.error().at("code") == "timeout");
  Client stream(server.address().port);
  stream.send(chat_text(question(",\"stream\":true")));
  REQUIRE(until([&] { return fake.asked == 2; }));
  fake.listener(1)->on_delta("Well");
  const Response cut = parse_response(stream.read_all());
  CHECK(cut.status == 200);
  CHECK(cut.complete);
  CHECK_THAT(cut.body, Contains("\"content\":\"Well\"") && Contains("\"code\":\"timeout\""));
  CHECK(fake.cancelled == 2);
  fake.listener(1)->on_delta("too late");
  fake.listener(1)->on_answer(said("too late"), 0, 0);
  CHECK(get(server.address().port, "/v1/models").status == 200);
}

TEST_CASE("a client that sends or reads too slowly is let go of") {
  Fake fake;
  Server server(fake, parse_listen("0"), "", quick());
  const unsigned port = server.address().port;
  Client silent(port), halting(port), headless(port);
  halting.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 10\r\n\r\n{");
  headless.send("GET / HTTP/1.1\r\nHost: loc");
  CHECK(silent.read_all() == "");
  CHECK(parse_response(halting.read_all()).status != 200);
  CHECK(parse_response(headless.read_all()).status != 200);

  Client deaf(port, 4096);
  deaf.send(chat_text(question(",\"stream\":true")));
  REQUIRE(until([&] { return fake.asked == 1; }));
  const auto listener = fake.listener(0);
  for (int i = 0; i < 1000 && fake.cancelled == 0; ++i) listener->on_delta(std::string(100000, 'a'));
  CHECK(until([&] { return fake.cancelled == 1; }));
  CHECK(get(port, "/v1/models").status == 200);
}

TEST_CASE("a client that leaves much unread is let go of for that alone, however long it may take to read") {
  Fake fake;
  ServerLimits limits;
  limits.stall_ms = limits.answer_ms = 600000;
  Server server(fake, parse_listen("0"), "", limits);
  Client deaf(server.address().port, 4096);
  deaf.send(chat_text(question(",\"stream\":true")));
  REQUIRE(until([&] { return fake.asked == 1; }));
  const auto listener = fake.listener(0);
  for (int i = 0; i < 100 && fake.cancelled == 0; ++i) listener->on_delta(std::string(100000, 'a'));
  CHECK(until([&] { return fake.cancelled == 1; }));
}

TEST_CASE("more connections than are taken are closed unheard, and make room when they go") {
  Fake fake;
  ServerLimits limits;
  limits.connections = 3;
  Server server(fake, parse_listen("0"), "", limits);
  const unsigned port = server.address().port;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<Client>(port));
  Client fourth(port);
  fourth.send(request_text("GET", "/v1/models"));
  CHECK(fourth.read_all() == "");
  clients.clear();
  CHECK(until([&] { return get(port, "/v1/models").status == 200; }));
}

TEST_CASE("listeners are bounded too, and what is remembered is told though the worker is busy") {
  Fake fake;
  ServerLimits limits;
  limits.listeners = 1;
  Server server(fake, parse_listen("0"), "", limits);
  const unsigned port = server.address().port;
  Client listener(port);
  listener.send(request_text("GET", "/events"));
  listener.read_until(":\n\n");
  CHECK(get(port, "/events").status == 429);
  CHECK(get(port, "/memory").json().at("groups").empty());
  listener.hang_up();
  CHECK(
      until([&] { return get(port, "/metrics").body.find("vtok_http_listeners 0\n") != std::string::npos; }));
  CHECK(get(port, "/keyframe").status == 404);
  server.show({0, 2, 1, {1, 2, 3, 4, 5, 6}, 6, 6});
  const Response picture = get(port, "/keyframe");
  CHECK(picture.status == 200);
  CHECK(picture.headers.at("content-type") == "image/bmp");
  CHECK(picture.headers.at("cross-origin-resource-policy") == "same-origin");
}

TEST_CASE("the server ends with whatever is under way") {
  Fake fake;
  auto server = std::make_unique<Server>(fake, parse_listen("0"), "", quick());
  const unsigned port = server->address().port;
  Client idle(port), half(port), whole(port), stream(port), listener(port), memory(port), deaf(port, 4096);
  half.send("GET / HTTP/1.1\r\n");
  memory.send(request_text("GET", "/memory"));
  whole.send(chat_text(question()));
  REQUIRE(until([&] { return fake.asked == 1; }));
  stream.send(chat_text(question(",\"stream\":true")));
  REQUIRE(until([&] { return fake.asked == 2; }));
  fake.listener(1)->on_delta("Well");
  stream.read_until("Well");
  deaf.send(chat_text(question(",\"stream\":true")));
  REQUIRE(until([&] { return fake.asked == 3; }));
  fake.listener(2)->on_delta(std::string(900000, 'a'));
  listener.send(request_text("GET", "/events"));
  listener.read_until(":\n\n");
  server = nullptr;
  CHECK(idle.read_all() == "");
  CHECK(parse_response(whole.read_all()).status == 503);
  CHECK_THAT(stream.read_all(), Contains("[DONE]"));
  CHECK_THAT(listener.read_all(), Catch::EndsWith("0\r\n\r\n"));
  CHECK(parse_response(memory.read_all()).status == 200);
  CHECK(fake.cancelled == 3);
  // What the worker says now is heard by nobody.
  fake.listener(0)->on_answer(said("late"), 0, 0);
  fake.tell({});
  fake.forget();
}

TEST_CASE("a server comes and goes many times") {
  Fake fake;
  for (int i = 0; i < 20; ++i) {
    Server server(fake, parse_listen("0"), "");
    std::thread client([port = server.address().port] {
      for (int k = 0; k < 3; ++k) get(port, "/v1/models");
    });
    client.join();
  }
}
