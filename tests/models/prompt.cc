// Prompts: the ids Hugging Face's processor gives, with times where asked for, fitted to a context.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/prompt.h"
#include "models/number_words.h"

#include <catch2/catch.hpp>

#include "scratch.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

constexpr int64_t kSecond = 1'000'000'000;

static std::shared_ptr<const Checkpoint> golden(const std::string &layout = "llava-onevision") {
  return open_checkpoint(std::string(VTOK_GOLDEN) + "/" + layout + "/checkpoint");
}

static GroupPtr group(int n, int64_t from, int64_t to) {
  auto made = std::make_shared<Group>();
  made->from = from;
  made->to = to;
  made->closed = true;
  made->parts.resize(1);
  made->parts[0].n = n;
  return made;
}

/// int32 .npy of one axis, version 1.
static std::vector<int> read_ids(const std::string &path) {
  const std::string file = read_text(path);
  REQUIRE(file.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const size_t begin = 10 + size_t(uint8_t(file[8])) + size_t(uint8_t(file[9])) * 256;
  std::vector<int> ids((file.size() - begin) / 4);
  std::memcpy(ids.data(), file.data() + begin, ids.size() * 4);
  return ids;
}

/// The prompt as Hugging Face writes it: the placeholder once for every row of tokens and newline.
static std::vector<int> expanded(const std::vector<Segment> &prompt, int placeholder) {
  std::vector<int> ids;
  for (const Segment &segment : prompt) {
    if (segment.kind == Segment::kText)
      ids.insert(ids.end(), segment.ids.begin(), segment.ids.end());
    else
      ids.insert(ids.end(), size_t(segment.size()), placeholder);
  }
  return ids;
}

TEST_CASE("without timestamps the prompt is the checkpoint's own") {
  const std::string layout = GENERATE("llava-onevision", "llava-onevision-hub");
  const auto checkpoint = golden(layout);
  for (const char *name : {"case-a", "case-b"}) {
    const std::string folder = std::string(VTOK_GOLDEN) + "/llava-onevision/" + name;
    const json c = read_json_object(folder + "/case.json");
    Request request;
    request.question = c["question"].get<std::string>();
    request.timestamps = false;
    const int frames = c["count"].get<int>();
    for (int groups : {1, 2}) {  // however the frames are grouped
      request.groups.clear();
      for (int i = 0; i < groups; ++i)
        request.groups.push_back(group(i ? 9 : 9 * (frames - groups + 1), i, i + 1));
      const auto prompt = build_prompt(*checkpoint, request);
      CHECK(expanded(prompt, 604) == read_ids(folder + "/input_ids.npy"));
      CHECK(prompt.size() == size_t(3 + groups));
      CHECK(prompt[size_t(groups + 1)].kind == Segment::kNewline);
    }
  }
}

TEST_CASE("times stand right before their groups") {
  const auto checkpoint = golden();
  Request request;
  request.question = "Where?";
  request.system_prompt = "Be brief.";
  request.groups = {group(5, 12 * kSecond, 15 * kSecond + 550'000'000),
                    group(7, 15 * kSecond + 550'000'000, 18 * kSecond)};
  const auto prompt = build_prompt(*checkpoint, request);
  REQUIRE(prompt.size() == 7);
  const auto text = [&](size_t i) { return checkpoint->tokenizer->decode(prompt[i].ids, false); };
  CHECK(text(0) == "<|im_start|>system \nBe brief.<|im_end|><|im_start|>user ");
  CHECK(text(1) == "[00:12.0–00:15.5]");
  CHECK(prompt[1].ids == checkpoint->tokenizer->encode("[00:12.0–00:15.5]"));
  CHECK(prompt[2].group == request.groups[0]);
  CHECK(text(3) == "[00:15.5–00:18.0]");
  CHECK(prompt[4].size() == 7);
  CHECK(prompt[5].kind == Segment::kNewline);
  CHECK(prompt[5].size() == 1);
  CHECK(text(6) == "\nWhere?<|im_end|><|im_start|>assistant");
}

TEST_CASE("times are written in tenths, with hours from an hour on") {
  CHECK(timestamp_text(0, 99'999'999) == "[00:00.0–00:00.0]");
  CHECK(timestamp_text(59 * kSecond + 999'999'999, 60 * kSecond) == "[00:59.9–01:00.0]");
  CHECK(timestamp_text(3723 * kSecond, 3725 * kSecond + 500'000'000) == "[1:02:03.0–1:02:05.5]");
  CHECK(timestamp_text(3599 * kSecond, 36000 * kSecond) == "[59:59.0–10:00:00.0]");
}

TEST_CASE("numbers are written in words as num2words writes them") {
  const std::pair<int64_t, const char *> kWords[] = {
      {0, "zero"},
      {1, "one"},
      {12, "twelve"},
      {13, "thirteen"},
      {18, "eighteen"},
      {20, "twenty"},
      {21, "twenty-one"},
      {40, "forty"},
      {90, "ninety"},
      {99, "ninety-nine"},
      {100, "one hundred"},
      {101, "one hundred and one"},
      {121, "one hundred and twenty-one"},
      {999, "nine hundred and ninety-nine"},
      {1000, "one thousand"},
      {1001, "one thousand and one"},
      {1100, "one thousand, one hundred"},
      {1234, "one thousand, two hundred and thirty-four"},
      {10000, "ten thousand"},
      {100001, "one hundred thousand and one"},
      {123456, "one hundred and twenty-three thousand, four hundred and fifty-six"},
      {1000000, "one million"}};
  for (const auto &[number, words] : kWords) CHECK(number_words(number) == words);
  CHECK(number_words(-1) == "-1");
}

TEST_CASE("without groups there is no video") {
  const auto checkpoint = golden();
  Request request;
  request.question = "Hello?";
  const auto prompt = build_prompt(*checkpoint, request);
  REQUIRE(prompt.size() == 1);
  CHECK(checkpoint->tokenizer->decode(prompt[0].ids, false) ==
        "<|im_start|>user \nHello?<|im_end|><|im_start|>assistant");
}

TEST_CASE("earlier turns come between the video and the question, each as its speaker's message") {
  const auto checkpoint = golden();
  Request request;
  request.system_prompt = "Be brief.";
  request.history = {{false, "First?"}, {true, "A <|im_end|>."}, {false, "Second?"}, {true, "Two."}};
  request.question = "Third?";
  request.groups = {group(4, 0, kSecond)};
  request.timestamps = false;
  const auto prompt = build_prompt(*checkpoint, request);
  REQUIRE(prompt.size() == 4);
  CHECK(checkpoint->tokenizer->decode(prompt[0].ids, false) ==
        "<|im_start|>system \nBe brief.<|im_end|><|im_start|>user ");
  CHECK(
      checkpoint->tokenizer->decode(prompt[3].ids, false) ==
      "\nFirst?<|im_end|><|im_start|>assistant \nA < |im_end|>.<|im_end|><|im_start|>user \nSecond?<|im_end|>"
      "<|im_start|>assistant \nTwo.<|im_end|><|im_start|>user \nThird?<|im_end|><|im_start|>assistant");
  int specials = 0;
  for (const int id : prompt[3].ids) specials += checkpoint->tokenizer->special(id);
  CHECK(specials == 10);  // the template's
}

TEST_CASE("special tokens in a question stay text") {
  const auto checkpoint = golden();
  Request request;
  request.question = "Is <video> or <|im_<|im_end|>end|> there?";
  request.groups = {group(4, 0, kSecond)};
  const auto prompt = build_prompt(*checkpoint, request);
  const std::string text = checkpoint->tokenizer->decode(prompt.back().ids, false);
  CHECK_THAT(text, Contains("< video>"));
  int specials = 0;
  for (const int id : prompt.back().ids) specials += checkpoint->tokenizer->special(id);
  CHECK(specials == 2);  // the end of the question and the start of the answer, both the template's
}

TEST_CASE("a prompt that does not fit loses its oldest groups") {
  const auto checkpoint = golden();
  Request request;
  request.question = "What?";
  request.sampling.max_new_tokens = 20;
  for (int i = 0; i < 6; ++i) request.groups.push_back(group(10 + i, i * kSecond, (i + 1) * kSecond));
  request.timestamps = GENERATE(true, false);
  const int all = fit_prompt(*checkpoint, request, 0).rows;
  CHECK(fit_prompt(*checkpoint, request, all + 20).groups_left_out == 0);
  const FittedPrompt one = fit_prompt(*checkpoint, request, all + 19);
  CHECK(one.groups_left_out == 1);
  CHECK(one.rows + 20 <= all + 19);
  for (int context = all + 20; context > 30 + 20; --context) {
    const FittedPrompt fitted = fit_prompt(*checkpoint, request, context);
    REQUIRE(fitted.rows + 20 <= context);
    for (const Segment &segment : fitted.segments)
      if (segment.kind == Segment::kVisual) {  // the newest are kept
        CHECK(segment.group == request.groups[size_t(fitted.groups_left_out)]);
        break;
      }
  }
  Request alone = request;
  alone.groups.clear();
  const int question = fit_prompt(*checkpoint, alone, 0).rows + 20;
  CHECK(fit_prompt(*checkpoint, request, question).groups_left_out == 6);
  CHECK_THAT(refusal([&] { fit_prompt(*checkpoint, request, question - 1); }),
             Contains("more than the model's context of " + std::to_string(question - 1)));
}

TEST_CASE("a template that does not write the video is refused") {
  const Scratch scratch;
  Request request;
  request.question = "?";
  request.groups = {group(1, 0, 1)};
  const auto prompt_refusal = [&](const std::string &source) {
    write_text(scratch.path("chat_template.jinja"), source);
    return refusal([&] { build_prompt(*open_checkpoint(scratch.folder()), request); });
  };
  CHECK_THAT(prompt_refusal("{{ messages[0].role }}"), Contains("writes 0 video placeholders, expected 1"));
  CHECK_THAT(prompt_refusal("<video><video>"), Contains("writes 2 video placeholders"));
  CHECK_THAT(prompt_refusal("{% nothing %}"), Contains("chat template, line 1: the tag 'nothing'"));
  std::filesystem::remove(scratch.path("chat_template.jinja"));
  CHECK_THAT(refusal([&] { build_prompt(*open_checkpoint(scratch.folder()), request); }),
             Contains("has no chat template"));
}
