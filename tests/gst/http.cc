// The parts of the endpoint that need no socket: addresses, keys, requests, metrics, pictures.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "gst/http/address.h"
#include "gst/http/api_error.h"
#include "gst/http/bearer.h"
#include "gst/http/chat.h"
#include "gst/http/completion.h"
#include "gst/http/events.h"
#include "gst/http/metrics.h"
#include "gst/picture.h"

using namespace vtok;
using nlohmann::json;

TEST_CASE("listen= is a literal address, the loopback where it names none") {
  const auto read = [](const char *text) {
    const ListenAddress address = parse_listen(text);
    return address.text() + (address.loopback ? " loopback" : "");
  };
  CHECK(read("127.0.0.1:8080") == "127.0.0.1:8080 loopback");
  CHECK(read("127.9.9.9:1") == "127.9.9.9:1 loopback");
  CHECK(read("[::1]:0") == "[::1]:0 loopback");
  CHECK(read(":8080") == "127.0.0.1:8080 loopback");
  CHECK(read("8080") == "127.0.0.1:8080 loopback");
  CHECK(read("LocalHost:8080") == "127.0.0.1:8080 loopback");
  CHECK(read("0.0.0.0:8080") == "0.0.0.0:8080");
  CHECK(read("[::]:65535") == "[::]:65535");
  for (const char *wrong :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8 ", "::1:80",
        "[::1]", "[::1]80", "[127.0.0.1]:80", "example.com:80", "127.0.0.1:80:80", "http://127.0.0.1:80"})
    CHECK_THROWS_AS(parse_listen(wrong), std::invalid_argument);
}

TEST_CASE("hosts and origins are ours or not") {
  const std::string here = g_get_host_name();
  for (const std::string &ours :
       {std::string(""), std::string("localhost"), std::string("localhost:8080"), std::string("LOCALHOST.:1"),
        std::string("cam.localhost"), std::string("127.0.0.1:80"), std::string("192.168.1.9"),
        std::string("[::1]:80"), std::string("[fe80::1]"), here, here + ".local:80"})
    CHECK(host_is_ours(ours));
  for (const char *other :
       {"example.com", "localhost.example.com", "127.0.0.1.example.com:80", "notlocalhost", "::1", "[::1",
        "[localhost]", "localhost:x", "localhost:80:80", "localhost, example.com", ".localhost", "."})
    CHECK_FALSE(host_is_ours(other));
  CHECK(origin_is_ours("", "localhost:80"));
  CHECK(origin_is_ours("http://localhost:80", "localhost:80"));
  CHECK(origin_is_ours("https://cam.local", "cam.local"));
  for (const char *other : {"null", "http://localhost:81", "http://localhost", "ftp://localhost:80",
                            "localhost:80", "http://localhost:80.example.com"})
    CHECK_FALSE(origin_is_ours(other, "localhost:80"));
}

TEST_CASE("a bearer key is the same or is not") {
  CHECK(bearer_matches("Bearer abc", "abc"));
  CHECK(bearer_matches("bEARER   abc", "abc"));
  for (const char *wrong : {"", "Bearer", "Bearer ", "Bearer ab", "Bearer abcd", "Bearer abc ", "Bearerabc",
                            "Basic abc", "abc", " Bearer abc"})
    CHECK_FALSE(bearer_matches(wrong, "abc"));
}

namespace {

const char kUser[] = R"({"role":"user","content":"Is it?"})";
ChatRequest parsed(const std::string &fields, const std::string &messages = kUser) {
  return parse_chat("{\"messages\":[" + messages + "]" + (fields.empty() ? "" : ",") + fields + "}");
}
// What a refusal says, and of which field.
std::string refused(const std::string &fields, const std::string &messages = kUser) {
  try {
    parsed(fields, messages);
  } catch (const ApiError &error) {
    CHECK(error.status == 400);
    return error.param + ": " + error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("what a request asks for becomes options") {
  const ChatRequest plain = parsed("");
  CHECK(plain.question == "Is it?");
  CHECK(plain.model.empty());
  CHECK_FALSE((plain.stream || plain.include_usage));
  const AskOptions &none = plain.options;
  CHECK_FALSE((none.system_prompt || none.max_new_tokens || none.temperature || none.top_p || none.seed));
  CHECK((none.stop.empty() && none.history && none.history->empty()));
  const ChatRequest all = parsed(
      R"("model":"m","max_tokens":5,"max_completion_tokens":7,"temperature":0.5,"top_p":0.25,"seed":-1,"stop":["a","b"],
         "stream":true,"stream_options":{"include_usage":true},"n":1,"logprobs":false,"tools":[],"tool_choice":"none",
         "response_format":{"type":"text"},"user":"x","presence_penalty":0,"unheard_of":{})");
  CHECK(all.model == "m");
  CHECK((all.stream && all.include_usage));
  CHECK(all.options.max_new_tokens == 7);
  CHECK(all.options.temperature == .5);
  CHECK(all.options.top_p == .25);
  CHECK(all.options.seed == std::numeric_limits<uint64_t>::max());
  CHECK(all.options.stop == std::vector<std::string>{"a", "b"});
  CHECK(parsed(R"("stop":"x","max_tokens":5,"temperature":null,"seed":18446744073709551615)")
            .options.max_new_tokens == 5);
  const ChatRequest turns = parsed(
      "", R"({"role":"system","content":"S"},{"role":"user","content":"A"},{"role":"assistant","content":"B"},
                    {"role":"assistant","content":"C"},{"role":"developer","content":"D"},{"role":"user","content":"E"},
                    {"role":"assistant","content":null},{"role":"user","content":[{"type":"text","text":"F"}]})");
  CHECK(turns.options.system_prompt == "S\nD");
  CHECK(turns.options.history == std::vector<Turn>{{false, "A"}, {true, "B\nC"}});
  CHECK(turns.question == "E\nF");
}

TEST_CASE("what cannot be obeyed is refused by its name") {
  using Catch::StartsWith;
  const std::pair<const char *, const char *> wrong[] = {
      {R"("n":2)", "n: n must be 1"},
      {R"("n":0)", "n: n must be a whole number"},
      {R"("max_tokens":0)", "max_tokens: max_tokens must be a whole number from 1 to 1048576"},
      {R"("max_tokens":1.5)", "max_tokens:"},
      {R"("max_tokens":99999999999999999999)", "max_tokens:"},
      {R"("temperature":-1)", "temperature: temperature must be a number from 0"},
      {R"("temperature":"hot")", "temperature:"},
      {R"("top_p":1.5)", "top_p:"},
      {R"("seed":"1")", "seed:"},
      {R"("stop":[1])", "stop:"},
      {R"("stop":"")", "stop:"},
      {R"("stop":["a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a"])",
       "stop: stop has 17"},
      {R"("stream":1)", "stream:"},
      {R"("stream_options":[])", "stream_options:"},
      {R"("logprobs":true)", "logprobs:"},
      {R"("tools":[{}])", "tools:"},
      {R"("response_format":{"type":"json_object"})", "response_format:"},
      {R"("response_format":{"type":"json_schema"})", "response_format:"},
      {R"("response_format":{"type":"json_schema","json_schema":{"schema":{"type":"spline"}}})", "response_format:"},
      {R"("guided_choice":[])", "guided_choice:"},
      {R"("guided_choice":["a",""])", "guided_choice:"},
      {R"("guided_choice":["a"],"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"null"}}})",
       "guided_choice:"},
      {R"("model":1)", "model:"}};
  for (const auto &[fields, start] : wrong) CHECK_THAT(refused(fields), StartsWith(start));
  const std::pair<const char *, const char *> messages[] = {
      {"", "messages: messages must be a list"},
      {"1", "messages[0]: "},
      {"{}", "messages[0]: "},
      {R"({"role":"tool","content":"x"})", "messages[0].role: "},
      {R"({"role":"user","content":" \n"})", "messages: the last message"},
      {R"({"role":"user"})", "messages: the last message"},
      {R"({"role":"system","content":"x"})", "messages: the last message"},
      {R"({"role":"user","content":"x"},{"role":"assistant","content":"y"})", "messages: the last message"},
      {R"({"role":"assistant","content":"y"},{"role":"user","content":"x"})", "messages: the first message"},
      {R"({"role":"user","content":1})", "messages[0].content: "},
      {R"({"role":"user","content":"a\u0000b"})", "messages[0].content: "},
      {R"({"role":"user","content":[{"type":"text"}]})", "messages[0].content[0]: "},
      {R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio"}]})",
       "messages[0].content[1]: "},
      {R"({"role":"user","content":[{"type":"image_url"}]})",
       "messages[0].content[0]: the camera is the image"}};
  for (const auto &[text, start] : messages) CHECK_THAT(refused("", text), StartsWith(start));
}

TEST_CASE("texts that are no UTF-8 do not break an answer's JSON") {
  Answer answer;
  answer.text = "caf\xe9";
  CHECK(json::parse(Completion{}.whole(answer, 0, 0))["choices"][0]["message"]["content"] ==
        "caf\xef\xbf\xbd");
  CHECK(json::parse(ApiError(400, "\xff").body())["error"]["message"] == "\xef\xbf\xbd");
  CHECK(server_sent("{}", "x") == "event: x\ndata: {}\n\n");
}

TEST_CASE("stats become Prometheus metrics") {
  GstStructure *inner = gst_structure_new("inner", "kept", G_TYPE_UINT64, guint64(5), nullptr);
  GstStructure *stats =
      gst_structure_new("s", "tokens-in", G_TYPE_UINT64, guint64(1) << 40, "queue", G_TYPE_UINT, 3u,
                        "ttft-ms", G_TYPE_DOUBLE, 12.5, "bad", G_TYPE_DOUBLE, NAN, "name", G_TYPE_STRING, "7",
                        "memory", GST_TYPE_STRUCTURE, inner, nullptr);
  CHECK(
      prometheus_text(stats, "a\"b\\c\n") ==
      "# TYPE vtok_tokens_in_total counter\nvtok_tokens_in_total{element=\"a\\\"b\\\\c\\n\"} 1099511627776\n"
      "# TYPE vtok_queue gauge\nvtok_queue{element=\"a\\\"b\\\\c\\n\"} 3\n"
      "# TYPE vtok_ttft_seconds gauge\nvtok_ttft_seconds{element=\"a\\\"b\\\\c\\n\"} 0.012500000000000001\n"
      "# TYPE vtok_bad gauge\nvtok_bad{element=\"a\\\"b\\\\c\\n\"} NaN\n"
      "# TYPE vtok_memory_kept_total counter\nvtok_memory_kept_total{element=\"a\\\"b\\\\c\\n\"} 5\n");
  gst_structure_free(stats);
  gst_structure_free(inner);
}

TEST_CASE("a message becomes JSON, ns of its span seconds") {
  GstStructure *message =
      gst_structure_new("vtok-answer", "id", G_TYPE_UINT64, guint64(3), "from", G_TYPE_UINT64,
                        guint64(1500) * GST_MSECOND, "text", G_TYPE_STRING, "a\n\"b\"", "tokens", G_TYPE_UINT,
                        7u, "yes", G_TYPE_BOOLEAN, TRUE, "p", G_TYPE_DOUBLE, .5, nullptr);
  CHECK(structure_json(message) == R"({"id":3,"from":1.5,"text":"a\n\"b\"","tokens":7,"yes":true,"p":0.5})");
  gst_structure_free(message);
}

TEST_CASE("pictures are shrunk, travel with tokens, and become bitmaps") {
  // 4 quarters of one colour each.
  const int width = 640, height = 320, stride = 3 * width + 5;
  std::vector<uint8_t> pixels(size_t(stride) * height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      uint8_t *p = pixels.data() + y * stride + 3 * x;
      p[0] = x < width / 2 ? 255 : 10;
      p[1] = y < height / 2 ? 200 : 0;
      p[2] = 7;
    }
  const SmallPicture small = shrink({pixels.data(), width, height, stride, -1}, 64);
  CHECK(small.width == 64);
  CHECK(small.height == 32);
  REQUIRE(small.rgb.size() == 64 * 32 * 3);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 64; ++x) {
      const uint8_t *p = small.rgb.data() + 3 * (y * 64 + x);
      if (p[0] != (x < 32 ? 255 : 10) || p[1] != (y < 16 ? 200 : 0) || p[2] != 7)
        FAIL("pixel " << x << ", " << y);
    }
  CHECK(shrink({pixels.data(), 3, 2, stride, -1}, 64).rgb.size() == 18);
  CHECK(shrink({pixels.data(), 640, 1, stride, -1}, 64).height == 1);

  GstBuffer *tokens = gst_buffer_new(), *copy;
  CHECK_FALSE(picture_of(tokens));
  set_picture(tokens, small);
  copy = gst_buffer_copy(tokens);
  gst_buffer_unref(tokens);
  const auto found = picture_of(copy);
  REQUIRE(found);
  CHECK((found->width == 64 && found->height == 32 && found->rgb == small.rgb));
  set_picture(copy, {64, 31, small.rgb});
  CHECK_FALSE(picture_of(copy));
  gst_buffer_unref(copy);

  const std::string file =
      bitmap({0, 3, 2, {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19}, 0, 0});
  const uint8_t expected[] = {'B', 'M', 78, 0, 0, 0, 0, 0, 0,  0, 54, 0, 0, 0, 40, 0,  0,  0,  3,  0,
                              0,   0,   2,  0, 0, 0, 1, 0, 24, 0, 0,  0, 0, 0, 0,  0,  0,  0,  0,  0,
                              0,   0,   0,  0, 0, 0, 0, 0, 0,  0, 0,  0, 0, 0, 13, 12, 11, 16, 15, 14,
                              19,  18,  17, 0, 0, 0, 3, 2, 1,  6, 5,  4, 9, 8, 7,  0,  0,  0};
  CHECK(file == std::string(reinterpret_cast<const char *>(expected), sizeof expected));
}
