// listen=: the element as an OpenAI endpoint, asked over real sockets.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <thread>

#include "tests/gst/client.h"
#include "tests/gst/fed.h"

using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

namespace {

struct Serving : Fed {
  explicit Serving(const std::string &more = "")
      : Fed("vtokllmsink name=llm backend=echo listen=127.0.0.1:0 " + more) {}
  unsigned port() {
    guint found = 0;
    g_object_get((*this)["llm"], "current-port", &found, nullptr);
    return found;
  }
  /// Plays, with two groups of 3 and 4 tokens.
  void fill() {
    play();
    push(tokens(3, 0, 12, true));
    push(tokens(4, 12, 1.5, true));
    REQUIRE(taken(2));
  }
};
constexpr char kEcho[] =
    "question \"What?\", 2 groups, 7 tokens: [00:00.0–00:12.0] 3, [00:12.0–00:13.5] 4 (open)";

}  // namespace

TEST_CASE("a completion has OpenAI's form and the span it saw") {
  for (const char *rest : {"vtokllmsink name=llm backend=echo listen=127.0.0.1:0",
                           "vtokllm name=llm backend=echo listen=[::1]:0 ! fakesink"}) {
    INFO(rest);
    if (std::string(rest).find("::1") != std::string::npos) {
      Fed p(rest);
      guint port = 0;
      p.state(GST_STATE_READY);
      g_object_get(p["llm"], "current-port", &port, nullptr);
      CHECK(port > 0);
      continue;
    }
    Serving p;
    p.fill();
    const Response r = chat(p.port(), asking("What?"));
    CHECK(r.status == 200);
    CHECK(r.complete);
    CHECK(r.headers.at("content-type") == "application/json");
    CHECK(r.headers.at("connection") == "close");
    CHECK(r.headers.at("cache-control") == "no-store");
    CHECK(r.headers.at("x-content-type-options") == "nosniff");
    CHECK(r.headers.count("access-control-allow-origin") == 0);
    const json j = r.json();
    CHECK_THAT(j.at("id").get<std::string>(), StartsWith("chatcmpl-"));
    CHECK(j.at("object") == "chat.completion");
    CHECK(std::abs(j.at("created").get<int64_t>() - g_get_real_time() / G_USEC_PER_SEC) < 60);
    CHECK(j.at("model") == "echo");
    REQUIRE(j.at("choices").size() == 1);
    const json &choice = j["choices"][0];
    CHECK(choice.at("index") == 0);
    CHECK(choice.at("finish_reason") == "stop");
    CHECK(choice.at("message") == json({{"role", "assistant"}, {"content", kEcho}, {"refusal", nullptr}}));
    CHECK(j.at("usage").at("prompt_tokens") == 7);
    CHECK(j["usage"].at("total_tokens") ==
          j["usage"]["prompt_tokens"].get<int>() + j["usage"].at("completion_tokens").get<int>());
    CHECK(j.at("vtok").at("from") == 0.);
    CHECK(j["vtok"].at("to") == 13.5);
    CHECK(j["vtok"].at("span") == "[00:00.0–00:13.5]");
    CHECK(j["vtok"].at("visual_tokens") == 7);
    // It is an answer like any other.
    REQUIRE(p.until([&] { return p.answers.size() == 1; }));
    CHECK(p.answers[0].text == kEcho);
    CHECK(p.warnings.empty());
  }
}

TEST_CASE("a stream is server-sent events, byte for byte") {
  Serving p;
  p.fill();
  const bool usage = GENERATE(false, true);
  const Response r =
      chat(p.port(), asking("What?", usage ? R"(,"stream":true,"stream_options":{"include_usage":true})"
                                           : R"(,"stream":true)"));
  CHECK(r.status == 200);
  CHECK(r.complete);
  CHECK(r.headers.at("content-type") == "text/event-stream");
  const auto field = [&](const std::string &name, size_t from) {
    const size_t at = r.body.find("\"" + name + "\":", from) + name.size() + 3;
    return r.body.substr(at, r.body.find_first_of(",}", at) - at);
  };
  const std::string head = "data: {\"id\":" + field("id", 0) +
                           ",\"object\":\"chat.completion.chunk\",\"created\":" + field("created", 0) +
                           ",\"model\":\"echo\",\"choices\":[",
                    end = usage ? ",\"usage\":null}\n\n" : "}\n\n";
  const auto chunk = [&](const std::string &delta) {
    return head + "{\"index\":0,\"delta\":" + delta + ",\"logprobs\":null,\"finish_reason\":null}]" + end;
  };
  std::string expected = chunk("{\"role\":\"assistant\",\"content\":\"\"}");
  const std::string text = kEcho;
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(text.find(' ', at + 1), text.size());
    expected += chunk("{\"content\":" + json(text.substr(at, next - at)).dump() + "}");
    at = next;
  }
  const size_t last = expected.size();
  expected +=
      head + "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]" +
      (usage ? ",\"usage\":null" : "") +
      ",\"vtok\":{\"from\":0.0,\"to\":13.5,\"span\":\"[00:00.0–00:13.5]\",\"visual_tokens\":7,\"ttft_ms\":" +
      field("ttft_ms", last) + ",\"total_ms\":" + field("total_ms", last) + "}}\n\n";
  if (usage)
    expected += head + "],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":11,\"total_tokens\":18}}\n\n";
  expected += "data: [DONE]\n\n";
  CHECK(r.body == expected);
}

TEST_CASE("system messages and earlier turns reach the model") {
  Serving p("system-prompt=Own. timestamps=false");
  p.fill();
  const auto answer = [&](const std::string &messages) {
    return chat(p.port(), "{\"messages\": [" + messages + "]}")
        .json()["choices"][0]["message"]["content"]
        .get<std::string>();
  };
  const std::string user =
      R"({"role": "user", "content": [{"type": "text", "text": "Is it?"}, {"type": "text", "text": "Now?"}]})";
  CHECK(answer(user) == "question \"Is it? Now?\", system prompt \"Own.\", 2 groups, 7 tokens: 3, 4 (open)");
  CHECK(
      answer(R"({"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."},)" +
             user) ==
      "question \"Is it? Now?\", system prompt \"Be brief. Be kind.\", 2 groups, 7 tokens: 3, 4 (open)");
  CHECK(answer(R"({"role": "user", "content": "A"}, {"role": "assistant", "content": "B"},)" + user) ==
        "question \"Is it? Now?\", system prompt \"Own.\", after \"A\", 2 groups, 7 tokens: 3, 4 (open)");
}

TEST_CASE("refusals have OpenAI's form") {
  Serving p;
  p.fill();
  const unsigned port = p.port();
  const auto refused = [](const Response &r, int status, const std::string &type) {
    CHECK(r.status == status);
    CHECK(r.complete);
    CHECK(r.headers.at("content-type") == "application/json");
    const json error = r.error();
    CHECK(error.size() == 4);
    CHECK(error.at("type") == type);
    CHECK(error.contains("param"));
    CHECK(error.contains("code"));
    return error.at("message").get<std::string>();
  };
  const std::string invalid = "invalid_request_error";
  CHECK_THAT(refused(chat(port, "{\"messages\": ["), 400, invalid), Contains("the request"));
  CHECK_THAT(refused(chat(port, "{\"a\xff\": 1}"), 400, invalid), Contains("the request"));
  CHECK_THAT(refused(chat(port, ""), 400, invalid), Contains("the request"));
  CHECK_THAT(refused(chat(port, "[]"), 400, invalid), Contains("object"));
  CHECK_THAT(refused(chat(port, asking("What?", ",\"n\": 2")), 400, invalid), Contains("n must be 1"));
  CHECK_THAT(
      refused(
          chat(port,
               R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]})"),
          400, invalid),
      Contains("the camera is the image"));
  const Response other = chat(port, R"({"model":"gpt","messages":[{"role":"user","content":"?"}]})");
  CHECK_THAT(refused(other, 404, invalid), Contains("'gpt'") && Contains("'echo'"));
  CHECK(other.error().at("code") == "model_not_found");
  CHECK_THAT(refused(get(port, "/v1/none"), 404, invalid), Contains("/v1/none"));
  CHECK_THAT(refused(get(port, "/../etc/passwd"), 404, invalid), Contains("nothing at"));
  CHECK_THAT(refused(get(port, "/%2e%2e/%2e%2e/etc/passwd"), 404, invalid), Contains("nothing at"));
  const Response method = get(port, "/v1/chat/completions");
  CHECK_THAT(refused(method, 405, invalid), Contains("POST"));
  CHECK(method.headers.at("allow") == "POST");
  CHECK_THAT(refused(chat(port, asking("What?"), ""), 415, invalid), Contains("application/json"));
  CHECK_THAT(refused(chat(port, asking("What?"), "Content-Type: text/plain\r\n"), 415, invalid),
             Contains("text/plain"));
  CHECK_THAT(refused(chat(port, asking("What?"), std::string(kJsonType) + "Content-Encoding: gzip\r\n"), 415,
                     invalid),
             Contains("compressed"));
  CHECK(chat(port, asking("What?"), "Content-Type: application/json; charset=utf-8\r\n").status == 200);
  CHECK(p.warnings.empty());
}

TEST_CASE("bodies are bounded, told ahead or not") {
  Serving p;
  p.fill();
  const std::string large = asking(std::string(2 << 20, 'a'));
  CHECK(chat(p.port(), large).status == 413);
  Client chunked(p.port());
  chunked.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  for (size_t at = 0; at < large.size(); at += 65536) {
    const std::string piece = large.substr(at, 65536);
    char size[16];
    snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunked.send(size + piece + "\r\n");
  }
  chunked.send("0\r\n\r\n");
  CHECK(parse_response(chunked.read_all()).status == 413);
  Client endless(p.port());  // is cut off, not read for ever
  endless.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000000000\r\n\r\n");
  const std::string block(1 << 20, 'a');
  int sent = 0;
  while (sent < 1000 && endless.send(block)) ++sent;
  CHECK(sent < 100);
  Client headers(p.port());
  headers.send("GET / HTTP/1.1\r\nHost: localhost\r\n");
  sent = 0;
  while (sent < 1000 && headers.send("X: " + std::string(10000, 'a') + "\r\n")) ++sent;
  CHECK(sent < 1000);
  CHECK(get(p.port(), "/v1/models").status == 200);
}

TEST_CASE("with a key, only who has it learns anything") {
  Serving p("api-key=s3cret");
  p.fill();
  const unsigned port = p.port();
  for (const char *path : {"/v1/models", "/metrics", "/memory", "/keyframe", "/events"}) {
    const Response r = get(port, path);
    CHECK(r.status == 401);
    CHECK(r.headers.at("www-authenticate") == "Bearer");
    CHECK(r.error().at("code") == "invalid_api_key");
    CHECK_THAT(r.body, !Contains("s3cret"));
  }
  CHECK(chat(port, asking("What?")).status == 401);
  for (const char *wrong : {"Bearer s3cre", "Bearer s3cret2", "Bearer", "Bearer ", "Basic s3cret", "s3cret"})
    CHECK(get(port, "/v1/models", std::string("Authorization: ") + wrong + "\r\n").status == 401);
  CHECK(get(port, "/v1/models", "Authorization: Bearer s3cret\r\n").status == 200);
  CHECK(get(port, "/v1/models", "Authorization: bearer  s3cret\r\n").status == 200);
  CHECK(chat(port, asking("What?"), std::string(kJsonType) + "Authorization: Bearer s3cret\r\n").status ==
        200);
  CHECK(get(port, "/").status == 200);  // the page asks for it
  GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(p["llm"]), "api-key");
  CHECK_FALSE(spec->flags & G_PARAM_READABLE);
}

TEST_CASE("pages of others are kept out") {
  Serving p;
  p.fill();
  const unsigned port = p.port();
  const std::string here = "127.0.0.1:" + std::to_string(port);
  CHECK(get(port, "/v1/models", "", here).status == 200);
  CHECK(get(port, "/v1/models", "Origin: http://" + here + "\r\n", here).status == 200);
  CHECK(get(port, "/v1/models", "", "rebound.example").status == 421);
  CHECK(get(port, "/v1/models", "", "127.0.0.1.rebound.example").status == 421);
  CHECK(get(port, "/v1/models", "Host: rebound.example\r\n").status >= 400);
  for (const char *origin : {"http://evil.example", "null", "http://localhost:1", "file://"})
    CHECK(get(port, "/v1/models", std::string("Origin: ") + origin + "\r\n").status == 403);
  CHECK(chat(port, asking("What?"), std::string(kJsonType) + "Origin: http://evil.example\r\n").status ==
        403);
  CHECK(get(port, "/keyframe", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n").status == 403);
  CHECK(get(port, "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n").status == 403);
  CHECK(get(port, "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n").status == 200);
  Client preflight(port);
  preflight.send(request_text("OPTIONS", "/v1/chat/completions", "",
                              "Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n"));
  const Response r = parse_response(preflight.read_all());
  CHECK(r.status == 405);
  for (const auto &[name, value] : r.headers) CHECK_THAT(name, !StartsWith("access-control"));
}

TEST_CASE("more questions than are taken at once are refused, the others answered") {
  Serving p;
  Gate gate;
  gate.attach(p["llm"]);
  p.fill();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(p.port()));
    clients.back()->send(chat_text(asking("Number " + std::to_string(i) + "?")));
  }
  REQUIRE(gate.wait());
  REQUIRE(p.until([&] { return p.stat("llm", "questions") == 8; }));
  const Response r = chat(p.port(), asking("One more?"));
  CHECK(r.status == 429);
  CHECK(r.headers.at("retry-after") == "1");
  CHECK(r.error().at("type") == "rate_limit_error");
  CHECK_THAT(get(p.port(), "/metrics").body, Contains("vtok_http_questions 8\n"));
  gate.release();
  for (int i = 0; i < 8; ++i) {
    const Response answer = parse_response(clients[size_t(i)]->read_all());
    CHECK(answer.status == 200);
    CHECK_THAT(answer.body, Contains("Number " + std::to_string(i)));
  }
  CHECK(chat(p.port(), asking("One more?")).status == 200);
}

TEST_CASE("a client that hangs up cancels its question") {
  for (const char *stream : {"", ", \"stream\": true"}) {
    Serving p;
    Gate gate;
    gate.attach(p["llm"]);
    p.fill();
    Client client(p.port());
    client.send(chat_text(asking("What?", stream)));
    REQUIRE(gate.wait());
    client.hang_up();
    REQUIRE(p.until(
        [&] { return get(p.port(), "/metrics").body.find("vtok_http_questions 0\n") != std::string::npos; }));
    gate.release();
    REQUIRE(p.until([&] { return p.answers.size() == 1; }));
    CHECK(p.answers[0].finish_reason == "cancelled");
    CHECK(chat(p.port(), asking("Still there?")).status == 200);
  }
}

TEST_CASE("a flush and a state change end what streams, in order") {
  Serving p;
  Gate gate;
  gate.attach(p["llm"]);
  p.fill();
  Client stream(p.port()), whole(p.port());
  stream.send(chat_text(asking("What?", ", \"stream\": true")));
  REQUIRE(gate.wait());
  whole.send(chat_text(asking("And then?")));
  REQUIRE(p.until([&] { return p.stat("llm", "questions") == 2; }));
  std::thread later([&] {
    g_usleep(50000);
    gate.release();
  });
  SECTION("to READY, where it goes on listening") {
    p.state(GST_STATE_READY);
    CHECK(get(p.port(), "/v1/models").status == 200);
    const Response stopped = chat(p.port(), asking("What?"));
    CHECK(stopped.status == 503);
    CHECK(stopped.error().at("code") == "stopped");
  }
  SECTION("to NULL, at once") { p.state(GST_STATE_NULL); }
  later.join();
  const Response cut = parse_response(stream.read_all());
  CHECK(cut.status == 200);
  CHECK(cut.complete);
  CHECK_THAT(cut.body, Contains("\"error\":{") && Catch::EndsWith("data: [DONE]\n\n"));
  CHECK(parse_response(whole.read_all()).status == 503);
  // And again from the start.
  p.fill();
  CHECK(chat(p.port(), asking("Again?")).status == 200);
}

TEST_CASE("before there is anything to see the answer is to come again") {
  Serving p;
  p.play();
  Response r;
  REQUIRE(p.until([&] { return (r = chat(p.port(), asking("What?"))).error().at("code") == "no_tokens"; }));
  CHECK(r.status == 503);
  CHECK(r.headers.at("retry-after") == "1");
}

TEST_CASE("a port that is taken fails to READY and says whose it is") {
  Serving first;
  first.state(GST_STATE_READY);
  const std::string taken = "127.0.0.1:" + std::to_string(first.port());
  Fed second("vtokllmsink name=llm backend=echo listen=" + taken);
  CHECK(second.state(GST_STATE_READY) == GST_STATE_CHANGE_FAILURE);
  second.poll();
  CHECK_THAT(second.errors.at(0), Contains("cannot listen on " + taken));
  for (const char *wrong :
       {"nowhere", "example.com:80", "127.0.0.1", "127.0.0.1:99999", "[127.0.0.1]:1", "::1:1"}) {
    Fed p(std::string("vtokllmsink name=llm backend=echo listen=") + wrong);
    CHECK(p.state(GST_STATE_READY) == GST_STATE_CHANGE_FAILURE);
    p.poll();
    CHECK_THAT(p.errors.at(0), Contains("expected an IP address and a port"));
  }
}

TEST_CASE("listening to all the world without a key is warned of") {
  Fed open("vtokllmsink name=llm backend=echo listen=0.0.0.0:0"),
      closed("vtokllmsink name=llm backend=echo listen=0.0.0.0:0 api-key=x");
  open.state(GST_STATE_READY);
  closed.state(GST_STATE_READY);
  open.poll();
  closed.poll();
  CHECK_THAT(open.warnings.at(0), Contains("can see and ask this camera"));
  CHECK(closed.warnings.empty());
}

TEST_CASE("models, metrics, memory, page") {
  Serving p;
  p.fill();
  const unsigned port = p.port();
  CHECK(
      get(port, "/v1/models").json() ==
      json::parse(
          R"({"object":"list","data":[{"id":"echo","object":"model","created":0,"owned_by":"gst-vtok"}]})"));
  CHECK(get(port, "/v1/models/echo").json().at("id") == "echo");
  CHECK(get(port, "/v1/models/other").status == 404);
  CHECK(chat(port, asking("What?")).status == 200);
  const Response metrics = get(port, "/metrics");
  CHECK_THAT(metrics.headers.at("content-type"), StartsWith("text/plain; version=0.0.4"));
  CHECK_THAT(metrics.body,
             Contains("# TYPE vtok_tokens_in_total counter\nvtok_tokens_in_total{element=\"llm\"} 7\n"));
  CHECK_THAT(metrics.body, Contains("\nvtok_answers_total{element=\"llm\"} 1\n"));
  CHECK_THAT(metrics.body, Contains("\nvtok_http_responses_total{code=\"404\"} 1\n"));
  const json memory = get(port, "/memory").json();
  REQUIRE(memory.at("groups").size() == 2);
  CHECK(memory["groups"][0] == json::parse(R"({"id":1,"from":0.0,"to":12.0,"tokens":3,"closed":true})"));
  CHECK(memory["groups"][1] == json::parse(R"({"id":2,"from":12.0,"to":13.5,"tokens":4,"closed":false})"));
  CHECK(memory.at("tokens") == 7);
  CHECK(memory.at("keyframe").is_null());
  CHECK(memory.at("kept").size() == 4);
  CHECK(get(port, "/keyframe").status == 404);
  const Response page = get(port, "/"), again = get(port, "/");
  CHECK(page.headers.at("content-type") == "text/html; charset=utf-8");
  const std::string policy = page.headers.at("content-security-policy");
  CHECK_THAT(policy, StartsWith("default-src 'none'") && Contains("frame-ancestors 'none'"));
  const size_t at = policy.find("nonce-") + 6;
  const std::string nonce = policy.substr(at, policy.find('\'', at) - at);
  CHECK_THAT(page.body, Contains("<script nonce=\"" + nonce + "\">") && !Contains("@NONCE@"));
  CHECK_THAT(again.body, !Contains(nonce));
  Client head(port), old(port), range(port);
  head.send(request_text("HEAD", "/"));
  CHECK(parse_response(head.read_all()).body.empty());
  old.send("GET /v1/models HTTP/1.0\r\n\r\n");
  CHECK(parse_response(old.read_all()).status == 200);
  range.send(request_text("GET", "/", "", "Range: bytes=0-3\r\n"));
  CHECK(parse_response(range.read_all()).status == 200);
}

TEST_CASE("who listens hears of answers and of what is remembered") {
  Serving p;
  p.fill();
  Client listener(p.port());
  listener.send(request_text("GET", "/events"));
  CHECK_THAT(listener.read_until(":\n\n"), Contains("text/event-stream"));
  CHECK_THAT(listener.read_until("\"tokens\":7"), Contains("event: memory\n"));
  p.ask("llm", "By signal?");
  const std::string heard = listener.read_until("total-ms");
  CHECK_THAT(heard, Contains("event: answer\ndata: {") && Contains("\"question\":\"By signal?\"") &&
                        Contains("\"to\":13.5"));
  p.push(tokens(5, 13.5, 1, true));
  CHECK_THAT(listener.read_until("\"tokens\":12"), Contains("event: memory\n"));
  p.state(GST_STATE_NULL);
  CHECK_THAT(listener.read_all(), Catch::EndsWith("0\r\n\r\n"));
}
