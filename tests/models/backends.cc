// The language models' table, what check_llm refuses, and the backend that needs no model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/llm.h"

#include <catch2/catch.hpp>
#include <set>

#include "models/engine.h"
#include "scratch.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

static std::string check_refusal(const Scratch &scratch) {
  return refusal([&] { check_llm(*open_checkpoint(scratch.folder())); });
}

TEST_CASE("a good checkpoint passes") {
  CHECK(check_refusal(Scratch("llava-onevision")) == "none");
  CHECK(check_refusal(Scratch("llava-onevision-hub")) == "none");
}

TEST_CASE("a tokenizer that lacks needed tokens is refused") {
  const Scratch scratch;
  SECTION("the video placeholder") {
    scratch.edit("tokenizer.json", [](json &t) { t["added_tokens"].erase(4); });
    CHECK_THAT(
        check_refusal(scratch),
        Contains("lacks the placeholder of visual tokens: no added token has config.json's id 604"));
  }
  SECTION("the end") {
    scratch.edit("generation_config.json", [](json &g) { g["eos_token_id"] = {602, 607}; });
    CHECK_THAT(check_refusal(scratch), Contains("no token has eos_token_id 607"));
  }
  SECTION("no end at all") {
    scratch.edit("generation_config.json", [](json &g) { g.erase("eos_token_id"); });
    scratch.edit("config.json", [](json &c) { c["text_config"].erase("eos_token_id"); });
    CHECK_THAT(check_refusal(scratch), Contains("has an eos_token_id"));
  }
  SECTION("more tokens than the model has") {
    scratch.edit("tokenizer.json", [](json &t) {
      t["added_tokens"].push_back({{"id", 608}, {"content", "<more>"}, {"special", true}});
    });
    CHECK_THAT(check_refusal(scratch), Contains("has ids up to 608, but the model's vocab_size is 608"));
  }
  SECTION("a tensor") {
    scratch.edit_tensors(
        [](OwnedTensors &t) { t.erase("language_model.model.layers.1.mlp.up_proj.weight"); });
    CHECK_THAT(check_refusal(scratch),
               Contains("1 tensor is missing (language_model.model.layers.1.mlp.up_proj.weight)"));
  }
  SECTION("the template") {
    write_text(scratch.path("chat_template.jinja"), "{{ messages | frobnicate }}");
    CHECK_THAT(check_refusal(scratch), Contains("the filter 'frobnicate' is not supported"));
  }
}

TEST_CASE("rows have different names and help") {
  std::set<std::string> names;
  for (const LlmBackend &row : llm_backends()) {
    CHECK(names.insert(row.name).second);
    CHECK_FALSE(std::string(row.help).empty());
  }
  CHECK(names.contains("torch"));
  CHECK(names.contains("echo"));
}

static std::shared_ptr<Llm> make_echo_backend() {
  for (const LlmBackend &row : llm_backends())
    if (std::string(row.name) == "echo") return row.make({}, nullptr);
  FAIL("no echo");
  return nullptr;
}

TEST_CASE("echo says what it was given, in pieces") {
  const auto echo = make_echo_backend();
  Request request;
  request.question = "What\nis it?";
  for (int i = 0; i < 2; ++i) {
    auto group = std::make_shared<Group>();
    group->from = i * 2'000'000'000ll;
    group->to = 2'000'000'000ll + i * 1'500'000'000ll;
    group->closed = i == 0;
    group->parts.resize(2);
    group->parts[0].n = 5 + i;
    group->parts[1].n = 4;
    request.groups.push_back(group);
  }
  std::string text;
  int pieces = 0;
  const Answer answer = echo->ask(request, [&](const std::string &piece) { text += piece, ++pieces; });
  CHECK(answer.text ==
        "question \"What is it?\", 2 groups, 19 tokens: [00:00.0–00:02.0] 9, [00:02.0–00:03.5] 10 (open)");
  CHECK(text == answer.text);
  CHECK(pieces == answer.new_tokens);
  CHECK(pieces > 5);
  CHECK(answer.visual_tokens == 19);
  CHECK(answer.from == 0);
  CHECK(answer.to == 3'500'000'000ll);
  CHECK(answer.finish_reason == "stop");
  CHECK(echo->ask(request, nullptr).text == answer.text);
  request.cancelled = std::make_shared<std::atomic<bool>>(false);
  const Answer cut = echo->ask(request, [&](const std::string &) { *request.cancelled = true; });
  CHECK(cut.finish_reason == "cancelled");
  CHECK(cut.new_tokens == 1);
  request = {};
  request.question = "?";
  request.timestamps = false;
  CHECK(echo->ask(request, nullptr).text == "question \"?\", 0 groups, 0 tokens");
}

TEST_CASE("placement says what is wrong") {
  CHECK(resolve_placement("cpu", DType::kFloat32) == Placement{-1, Type::kFloat32});
  CHECK(resolve_placement("cpu", DType::kBfloat16) == Placement{-1, Type::kBfloat16});
  for (const char *device : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CPU", ""})
    CHECK_THAT(refusal([&] { resolve_placement(device, DType::kFloat32); }),
               Contains("there are auto, cpu, cuda and cuda:N"));
}
