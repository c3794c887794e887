// The prompt: chat template, times, visual tokens and newline in the order the language model reads them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/prompt.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "models/error.h"
#include "models/family.h"
#include "models/template.h"

namespace vtok {
namespace {

using json = nlohmann::ordered_json;

std::string clock_text(int64_t ns) {
  const long long tenths = std::max<int64_t>(ns, 0) / 100'000'000, minutes = tenths / 600;
  char text[48];
  if (minutes < 60)
    std::snprintf(text, sizeof text, "%02lld:%02lld.%lld", minutes, tenths / 10 % 60, tenths % 10);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld.%lld", minutes / 60, minutes % 60, tenths / 10 % 60,
                  tenths % 10);
  return text;
}

json text_part(const Checkpoint &checkpoint, const std::string &text) {
  return {{"type", "text"}, {"text", checkpoint.tokenizer->disarmed(text)}};
}

}  // namespace

std::string render_chat(const Checkpoint &checkpoint, const Request &request, const json &video) {
  return render_chat(checkpoint, request, video, checkpoint.chat_template);
}

std::string render_chat(const Checkpoint &checkpoint, const Request &request, const json &video,
                        const std::string &source) {
  if (source.empty())
    throw std::runtime_error(checkpoint.folder +
                             " has no chat template: expected chat_template.jinja, chat_template.json or "
                             "chat_template in tokenizer_config.json");
  json variables = checkpoint.special_tokens.is_object() ? json(checkpoint.special_tokens) : json::object();
  json messages = json::array();
  if (!request.system_prompt.empty())
    messages.push_back(
        {{"role", "system"}, {"content", json::array({text_part(checkpoint, request.system_prompt)})}});
  bool shown = request.groups.empty();  // the video stands in the first message of a user
  const auto say = [&](bool by_model, const std::string &text) {
    json content = json::array();
    if (!by_model && !std::exchange(shown, true)) content = video;
    content.push_back(text_part(checkpoint, text));
    messages.push_back({{"role", by_model ? "assistant" : "user"}, {"content", content}});
  };
  for (const Turn &turn : request.history) say(turn.by_model, turn.text);
  say(false, request.question);
  variables["messages"] = messages;
  variables["add_generation_prompt"] = true;
  for (const char *name : {"tools", "documents"}) variables[name] = nullptr;
  try {
    return render_template(source, variables);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(checkpoint.folder + ": " + error.what());
  }
}

namespace {

int rows_of(const std::vector<Segment> &segments) {
  int rows = 0;
  for (const Segment &segment : segments) rows += segment.size();
  return rows;
}

}  // namespace

int Segment::size() const {
  if (kind != kVisual) return kind == kText ? int(ids.size()) : 1;
  return count < 0 ? group->tokens() - first : count;
}

std::vector<int> encode_chat(const Checkpoint &checkpoint, const std::string &text) {
  const auto begin = checkpoint.special_tokens.find("bos_token");
  const bool begun = begin != checkpoint.special_tokens.end() && begin->is_string() &&
                     !begin->get<std::string>().empty() && text.starts_with(begin->get<std::string>());
  return checkpoint.tokenizer->encode(text, !begun);
}

Segment text_segment(const Checkpoint &checkpoint, const std::string &text) {
  return {Segment::kText, checkpoint.tokenizer->encode(text), nullptr};
}

std::string timestamp_text(int64_t from, int64_t to) {
  return "[" + clock_text(from) + "–" + clock_text(to) + "]";
}

std::vector<Segment> timed_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps) {
  std::vector<Segment> pieces;
  if (timestamps) pieces.push_back(text_segment(checkpoint, timestamp_text(group->from, group->to)));
  pieces.push_back({Segment::kVisual, {}, group});
  return pieces;
}

std::vector<Segment> around_video(const Checkpoint &checkpoint, const Request &request, int placeholder,
                                  const std::vector<Segment> &after) {
  const std::vector<int> ids =
      encode_chat(checkpoint, render_chat(checkpoint, request, json::array({{{"type", "video"}}})));
  const auto placeholders = std::count(ids.begin(), ids.end(), placeholder);
  const int expected = request.groups.empty() ? 0 : 1;
  if (placeholders != expected)
    throw std::runtime_error(checkpoint.folder + ": the chat template writes " +
                             std::to_string(placeholders) + " video placeholders, expected " +
                             std::to_string(expected));
  if (!expected) return {{Segment::kText, ids, nullptr}};
  const Family &family = family_of(checkpoint);
  const auto place = std::find(ids.begin(), ids.end(), placeholder);
  std::vector<Segment> prompt;
  const auto text = [&](auto from, auto to) {
    if (from != to) prompt.push_back({Segment::kText, {from, to}, nullptr});
  };
  text(ids.begin(), place);
  for (const GroupPtr &group : request.groups)
    for (Segment &piece : family.group(checkpoint, group, request.timestamps))
      prompt.push_back(std::move(piece));
  prompt.insert(prompt.end(), after.begin(), after.end());
  text(place + 1, ids.end());
  return prompt;
}

std::vector<Segment> build_prompt(const Checkpoint &checkpoint, const Request &request) {
  return family_of(checkpoint).prompt(checkpoint, request);
}

FittedPrompt fit_prompt(const Checkpoint &checkpoint, const Request &request, int context) {
  FittedPrompt fitted;
  Request rest = request;
  fitted.segments = build_prompt(checkpoint, rest);
  fitted.rows = rows_of(fitted.segments);
  const int64_t answer = std::max(0, request.sampling.max_new_tokens);
  const auto fits = [&](int rows) { return context <= 0 || rows + answer <= context; };
  if (fits(fitted.rows)) return fitted;
  // What a group takes does not depend on the others, so the number to leave out is found without building
  // again.
  const Family &family = family_of(checkpoint);
  const auto rows_for = [&](const GroupPtr &group) {
    return rows_of(family.group(checkpoint, group, request.timestamps));
  };
  int rows = fitted.rows;
  auto first = request.groups.begin();
  while (first != request.groups.end() && !fits(rows)) rows -= rows_for(*first++);
  for (;;
       ++first) {  // texts that meet may be encoded otherwise: what is left may still be a few rows too long
    fitted.groups_left_out = int(first - request.groups.begin());
    rest.groups.assign(first, request.groups.end());
    fitted.segments = build_prompt(checkpoint, rest);
    fitted.rows = rows_of(fitted.segments);
    if (fits(fitted.rows) || first == request.groups.end()) break;
  }
  if (!fits(fitted.rows))
    throw CannotBeMet("the question needs " + std::to_string(fitted.rows) +
                             " tokens and its answer up to " + std::to_string(answer) +
                             ", more than the model's context of " + std::to_string(context));
  return fitted;
}

}  // namespace vtok
