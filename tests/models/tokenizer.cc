// The tokenizer against what Hugging Face computes, and against files it must refuse.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/json.h"
#include "models/tokenizer/utf8.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

static const std::string kGolden = VTOK_GOLDEN;

static json tokenizer_file() {
  return read_json_object(kGolden + "/llava-onevision/checkpoint/tokenizer.json");
}

static std::string refusal(const json &file) {
  try {
    load_tokenizer(file, "t.json");
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("ids and texts are Hugging Face's, in both layouts") {
  const std::string folder = GENERATE("/llava-onevision", "/llava-onevision-hub");
  const auto tokenizer =
      load_tokenizer(read_text(kGolden + folder + "/checkpoint/tokenizer.json"), "tokenizer.json");
  const json cases = parse_json(read_text(kGolden + "/llava-onevision/tokens.json"), "tokens.json");
  REQUIRE(cases.size() == 164);
  for (const auto &c : cases) {
    const auto text = c["text"].get<std::string>();
    INFO("text: " << c["text"].dump());
    CHECK(tokenizer->encode(text) == c["ids"].get<std::vector<int>>());
    CHECK(tokenizer->encode(text, true) == c["ids_special"].get<std::vector<int>>());
    CHECK(tokenizer->decode(c["ids"], false) == c["decoded"].get<std::string>());
    CHECK(tokenizer->decode(c["ids_special"], true) == c["decoded_skip_special"].get<std::string>());
  }
  CHECK(tokenizer->size() == 605);
  CHECK(tokenizer->id_of("<video>") == 604);
  CHECK(tokenizer->id_of("video") == -1);
  CHECK(tokenizer->special(602));
  CHECK_FALSE(tokenizer->special(64));
}

TEST_CASE("variants of tokenizer.json, as the tokenizers library encodes them") {
  const json cases = parse_json(read_text(kGolden + "/tokenizer/variants.json"), "variants.json");
  REQUIRE(cases.size() > 10);
  for (const auto &c : cases) {
    json file = tokenizer_file();
    file.merge_patch(c["patch"]);
    if (c.value("add", json::array()).size())
      for (const auto &token : c["add"]) file["added_tokens"].push_back(token);
    if (c.value("merges_as_text", false))
      for (auto &merge : file["model"]["merges"])
        merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    const auto tokenizer = load_tokenizer(file, "tokenizer.json");
    INFO(c["name"]);
    for (const auto &sample : c["samples"]) {
      INFO("text: " << sample["text"].dump());
      CHECK(tokenizer->encode(sample["text"].get<std::string>()) == sample["ids"].get<std::vector<int>>());
      CHECK(tokenizer->encode(sample["text"].get<std::string>(), true) ==
            sample["ids_special"].get<std::vector<int>>());
      if (c.value("decodes", true))
        CHECK(tokenizer->decode(sample["ids"], false) == sample["decoded"].get<std::string>());
    }
  }
}

/// What the stream of an answer's ids gives in all.
static std::string streamed(const Tokenizer &tokenizer, const std::vector<int> &ids) {
  const auto stream = tokenizer.stream();
  std::string all;
  for (const int id : ids) all += stream->push(id);
  return repaired_utf8(all + stream->finish());
}

TEST_CASE("tokenizers of Llama's kind, as the tokenizers library encodes and decodes them") {
  const json base = read_json_object(kGolden + "/tokenizer/llama.json");
  const json cases = parse_json(read_text(kGolden + "/tokenizer/llama-variants.json"), "llama-variants.json");
  REQUIRE(cases.size() > 10);
  for (const auto &c : cases) {
    json file = base;
    file.merge_patch(c["patch"]);
    if (c.value("strip", false))
      for (auto &token : file["added_tokens"]) {
        token["rstrip"] = token["content"] == "<image>";
        token["lstrip"] = token["content"] == "<tok>" || token["content"] == "</s>";
      }
    const auto tokenizer = load_tokenizer(file, "tokenizer.json");
    INFO(c["name"]);
    for (const auto &sample : c["samples"]) {
      INFO("text: " << sample["text"].dump());
      std::vector<int> ids = sample["ids"];
      CHECK(tokenizer->encode(sample["text"].get<std::string>()) == ids);
      CHECK(tokenizer->decode(ids, false) == sample["decoded"].get<std::string>());
      CHECK(tokenizer->decode(ids, true) == sample["skipped"].get<std::string>());
      CHECK(streamed(*tokenizer, ids) == sample["skipped"].get<std::string>());
      ids.insert(ids.begin(), 1);
      CHECK(tokenizer->encode(sample["text"].get<std::string>(), true) == ids);
    }
    for (const auto &run : c["runs"]) {
      INFO("ids: " << run["ids"].dump());
      CHECK(tokenizer->decode(run["ids"], false) == run["decoded"].get<std::string>());
      CHECK(tokenizer->decode(run["ids"], true) == run["skipped"].get<std::string>());
      CHECK(streamed(*tokenizer, run["ids"]) == run["skipped"].get<std::string>());
    }
  }
}

TEST_CASE("an added token written in a text stays text, also one looked for after normalising") {
  const auto tokenizer =
      load_tokenizer(read_json_object(kGolden + "/tokenizer/llama.json"), "tokenizer.json");
  const int pad = tokenizer->id_of("<pad>"), image = tokenizer->id_of("<image>");
  const std::string text = "a <pad> b <image><pad>";
  const auto has = [&](const std::vector<int> &ids, int id) {
    return std::count(ids.begin(), ids.end(), id) > 0;
  };
  CHECK(has(tokenizer->encode(text), pad));
  CHECK(has(tokenizer->encode(text), image));
  CHECK_FALSE(has(tokenizer->encode(tokenizer->disarmed(text)), pad));
  CHECK_FALSE(has(tokenizer->encode(tokenizer->disarmed(text)), image));
}

TEST_CASE("a long text takes time in proportion to its length") {  // a quadratic one would hit the test's
                                                                   // time limit
  const auto tokenizer = load_tokenizer(tokenizer_file(), "tokenizer.json");
  const std::string pattern = GENERATE("a", " ", "<", "The quick brown fox. ", "\n", "ab");
  std::string text;
  while (text.size() < 1 << 20) text += pattern;
  CHECK(tokenizer->decode(tokenizer->encode(text), false) == text);
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD") {
  const auto tokenizer = load_tokenizer(tokenizer_file(), "tokenizer.json");
  CHECK(tokenizer->encode("a\xff\xe2\x82") == tokenizer->encode("a\xef\xbf\xbd\xef\xbf\xbd"));
  CHECK(tokenizer->decode({-1, 605, 607, 100000}, false).empty());
  CHECK(repaired_utf8("\xed\xa0\x80") ==
        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");           // a surrogate: three bytes that start nothing
  CHECK(repaired_utf8("\xf0\x9f\x98") == "\xef\xbf\xbd");  // the start of one character
}

TEST_CASE("a stream gives whole characters only") {
  Utf8Stream stream;
  CHECK(stream.push("a\xf0\x9f") == "a");
  CHECK(stream.push("\x98") == "");
  CHECK(stream.push("\x80z\xe2\x82") == "\xf0\x9f\x98\x80z");
  CHECK(stream.push("x") == "\xef\xbf\xbdx");
  CHECK(stream.finish() == "");
  CHECK(stream.push("\xc3") == "");
  CHECK(stream.finish() == "\xef\xbf\xbd");
}

TEST_CASE("an unknown part is named") {
  json file = tokenizer_file();
  SECTION("normalizer") {
    file["normalizer"] = {{"type", "Lowercase"}};
    CHECK_THAT(refusal(file), Contains("normalizer \"Lowercase\" is not supported"));
  }
  SECTION("pre_tokenizer") {
    file["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
    CHECK_THAT(refusal(file), Contains("pre_tokenizer \"BertPreTokenizer\" is not supported; there are"));
  }
  SECTION("byte level on one side") {
    file["pre_tokenizer"]["pretokenizers"].erase(1);
    CHECK_THAT(refusal(file), Contains("decoder \"ByteLevel\" does not fit pre_tokenizer \"Sequence\""));
  }
  SECTION("Metaspace") {
    file["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}};
    CHECK_THAT(refusal(file), Contains("prepend_scheme \"last\", expected always, first or never"));
    file["pre_tokenizer"].erase("replacement");
    CHECK_THAT(refusal(file), Contains("Metaspace has no replacement"));
  }
  SECTION("order of decoders") {
    file["decoder"] = {{"type", "Sequence"}, {"decoders", {{{"type", "Fuse"}}, {{"type", "ByteFallback"}}}}};
    CHECK_THAT(refusal(file), Contains("decoder \"ByteFallback\" stands where it is not supported"));
    file["decoder"] = {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
    CHECK_THAT(refusal(file), Contains("decoder Strip is"));
  }
  SECTION("pattern that is none") {
    file["normalizer"] = {{"type", "Replace"}, {"content", "x"}};
    CHECK_THAT(refusal(file), Contains("Replace has no pattern"));
  }
  SECTION("pattern") {
    file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a";
    CHECK_THAT(refusal(file), Contains("the pattern '(a'"));
  }
  SECTION("model") {
    file["model"]["type"] = "Unigram";
    CHECK_THAT(refusal(file), Contains("model \"Unigram\" is not supported"));
  }
  SECTION("model setting") {
    file["model"]["byte_fallback"] = true;
    CHECK_THAT(refusal(file), Contains("byte_fallback=true"));
  }
  SECTION("merge") {
    file["model"]["merges"][3] = {"a", "nowhere"};
    CHECK_THAT(refusal(file), Contains("merge 3"));
  }
  SECTION("decoder") {
    file["decoder"] = {{"type", "WordPiece"}};
    CHECK_THAT(refusal(file), Contains("decoder \"WordPiece\" is not supported"));
  }
  SECTION("post_processor") {
    file["post_processor"] = {{"type", "BertProcessing"}};
    CHECK_THAT(refusal(file), Contains("post_processor \"BertProcessing\" is not supported"));
  }
  SECTION("vocabulary") {
    file["model"].erase("vocab");
    CHECK_THAT(refusal(file), Contains("no vocab"));
  }
}
