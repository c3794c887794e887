// Chat completions, chunks and errors as JSON.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/completion.h"

#include <nlohmann/json.hpp>

#include "gst/http/api_error.h"
#include "models/prompt.h"

namespace vtok {
namespace {

using json = nlohmann::ordered_json;

std::string dumped(const json &value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json head(const Completion &c, const char *object) {
  return {{"id", c.id}, {"object", object}, {"created", c.created}, {"model", c.model}};
}

json usage_of(const Answer &answer) {
  return {{"prompt_tokens", answer.prompt_tokens},
          {"completion_tokens", answer.new_tokens},
          {"total_tokens", answer.prompt_tokens + answer.new_tokens}};
}

json span_of(const Answer &answer, int64_t from, int64_t to) {
  return {{"from", double(from) / 1e9},
          {"to", double(to) / 1e9},
          {"span", timestamp_text(answer.from, answer.to)},
          {"visual_tokens", answer.visual_tokens},
          {"ttft_ms", answer.ttft_ms},
          {"total_ms", answer.total_ms}};
}

json chunk(const Completion &c, const json &delta, const json &finish_reason) {
  json out = head(c, "chat.completion.chunk");
  out["choices"] = json::array(
      {{{"index", 0}, {"delta", delta}, {"logprobs", nullptr}, {"finish_reason", finish_reason}}});
  if (c.include_usage) out["usage"] = nullptr;
  return out;
}

}  // namespace

const char *ApiError::type() const {
  return status == 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
}

std::string ApiError::body() const {
  const auto or_null = [](const std::string &text) { return text.empty() ? json(nullptr) : json(text); };
  return dumped(
      {{"error",
        {{"message", what()}, {"type", type()}, {"param", or_null(param)}, {"code", or_null(code)}}}});
}

std::string Completion::whole(const Answer &answer, int64_t from, int64_t to) const {
  json out = head(*this, "chat.completion");
  out["choices"] =
      json::array({{{"index", 0},
                    {"message", {{"role", "assistant"}, {"content", answer.text}, {"refusal", nullptr}}},
                    {"logprobs", nullptr},
                    {"finish_reason", answer.finish_reason}}});
  out["usage"] = usage_of(answer);
  out["vtok"] = span_of(answer, from, to);
  return dumped(out);
}

std::string Completion::first() const {
  return dumped(chunk(*this, {{"role", "assistant"}, {"content", ""}}, nullptr));
}

std::string Completion::piece(const std::string &text) const {
  return dumped(chunk(*this, {{"content", text}}, nullptr));
}

std::string Completion::last(const Answer &answer, int64_t from, int64_t to) const {
  json out = chunk(*this, json::object(), answer.finish_reason);
  out["vtok"] = span_of(answer, from, to);
  return dumped(out);
}

std::string Completion::usage(const Answer &answer) const {
  json out = head(*this, "chat.completion.chunk");
  out["choices"] = json::array();
  out["usage"] = usage_of(answer);
  return dumped(out);
}

std::string server_sent(const std::string &data, const std::string &event) {
  return (event.empty() ? "" : "event: " + event + "\n") + "data: " + data + "\n\n";
}

}  // namespace vtok
