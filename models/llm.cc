// Language models that answer questions about remembered groups.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// To add a backend: a file in llms/, a line here.
#include "models/llm.h"

#include <algorithm>
#include <stdexcept>

#include "models/engine.h"
#include "models/family.h"
#include "models/instances.h"
#include "models/prompt.h"

namespace vtok {

std::shared_ptr<Llm> make_echo(const LlmSettings &, const Progress &);

namespace {

std::shared_ptr<Llm> make_torch(const LlmSettings &settings, const Progress &progress) {
  static Instances<Llm> instances;
  check_llm(*settings.checkpoint);
  return instances.get(*settings.checkpoint, settings.placement,
                       [&] { return engine().make_llm(settings.checkpoint, settings.placement, progress); });
}

const LlmBackend kBackends[] = {
    {"torch", "runs the checkpoint's language model in this process", true, make_torch},
    {"echo", "says what it was given: for tests and pipelines without a model", false, make_echo},
};

/// The ids that the model gives a meaning must be tokens of the tokenizer.
void check_tokenizer(const Checkpoint &checkpoint, const LanguageInfo &config) {
  const Tokenizer &tokenizer = *checkpoint.tokenizer;
  const auto fail = [&](const std::string &what) {
    throw std::runtime_error(checkpoint.folder + "/tokenizer.json: " + what);
  };
  if (tokenizer.size() > config.text.vocabulary)
    fail("has ids up to " + std::to_string(tokenizer.size() - 1) + ", but the model's vocab_size is " +
         std::to_string(config.text.vocabulary));
  const auto whole = [&](int id) { return tokenizer.encode(tokenizer.bytes(id)) == std::vector<int>{id}; };
  if (!whole(config.visual_token))
    fail("lacks the placeholder of visual tokens: no added token has config.json's id " +
         std::to_string(config.visual_token));
  if (config.end_tokens.empty())
    throw std::runtime_error(checkpoint.folder +
                             ": neither generation_config.json nor config.json has an eos_token_id");
  for (const int id : config.end_tokens)
    if (!whole(id)) fail("lacks the end of an answer: no token has eos_token_id " + std::to_string(id));
}

/// The chat template must be one we can run, and must write the placeholder where a video is.
void check_template(const Checkpoint &checkpoint) {
  auto group = std::make_shared<Group>();
  group->parts.resize(1);
  Request request;
  request.question = "?";
  request.groups = {std::move(group)};
  build_prompt(checkpoint, request);
}

}  // namespace

std::span<const LlmBackend> llm_backends() { return kBackends; }

void see(const std::vector<GroupPtr> &groups, Answer &answer) {
  answer.visual_tokens = 0;
  for (const GroupPtr &group : groups) {
    const bool first = group == groups.front();
    answer.visual_tokens += group->tokens();
    answer.from = first ? group->from : std::min(answer.from, group->from);
    answer.to = first ? group->to : std::max(answer.to, group->to);
  }
}

void check_llm(const Checkpoint &checkpoint) {
  const Family &family = family_of(checkpoint);
  const LanguageInfo config = family.language(checkpoint);
  family.check_language(checkpoint);
  check_tokenizer(checkpoint, config);
  check_template(checkpoint);
}

}  // namespace vtok
