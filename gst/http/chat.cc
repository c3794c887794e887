// Chat completion requests. Nothing in the body is trusted.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/chat.h"

#include <cmath>

#include "gst/http/api_error.h"
#include "models/grammar.h"
#include "models/json.h"

namespace vtok {
namespace {

using nlohmann::json;

constexpr int kLongestAnswer = 1 << 20;  // tokens, as the property's
constexpr size_t kStops = 16, kChoices = 256;

ApiError wrong(const std::string &param, const std::string &sentence, const std::string &code = "") {
  return {400, sentence, code, param};
}

// The field, null where it is absent or null.
const json *given(const json &object, const char *name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool flag(const json &object, const char *name, const std::string &path) {
  const json *value = given(object, name);
  if (value && !value->is_boolean()) throw wrong(path, path + " must be true or false");
  return value && value->get<bool>();
}

std::optional<double> number(const json &object, const char *name, double low, double high) {
  const json *value = given(object, name);
  if (!value) return {};
  const double x = value->is_number() ? value->get<double>() : std::nan("");
  if (!(x >= low && x <= high))
    throw wrong(
        name, std::string(name) + " must be a number from " + json(low).dump() + " to " + json(high).dump());
  return x;
}

std::optional<int> count(const json &object, const char *name, int high) {
  const json *value = given(object, name);
  if (!value) return {};
  if (!value->is_number_integer() || *value < 1 || *value > high)
    throw wrong(name, std::string(name) + " must be a whole number from 1 to " + std::to_string(high));
  return value->get<int>();
}

std::string text(const json &value, const std::string &path) {
  if (!value.is_string()) throw wrong(path, path + " must be a text");
  auto out = value.get<std::string>();
  if (out.find('\0') != out.npos) throw wrong(path, path + " must not have the character U+0000");
  return out;
}

// A message's content: a text, or a list of text parts, which become lines.
std::string content(const json &message, const std::string &path) {
  const json *value = given(message, "content");
  if (!value) return "";
  if (!value->is_array()) return text(*value, path);
  std::string out;
  for (size_t i = 0; i < value->size(); ++i) {
    const json &part = (*value)[i];
    const std::string at = path + "[" + std::to_string(i) + "]";
    if (!part.is_object() || !part.contains("type")) throw wrong(at, at + " must be an object with a type");
    const std::string type = text(part["type"], at + ".type");
    if (type == "image_url" || type == "input_image" || type == "video_url")
      throw wrong(at,
                  "the camera is the image: leave out the " + type + " part at " + at + " and ask in text",
                  "image_not_supported");
    if (type != "text") throw wrong(at, at + " is of the type " + type + ", only text parts can be read");
    if (!part.contains("text")) throw wrong(at, at + " has no text");
    out += (i ? "\n" : "") + text(part["text"], at + ".text");
  }
  return out;
}

bool blank(const std::string &text) { return text.find_first_not_of(" \t\r\n\f\v") == text.npos; }

void read_messages(const json &body, ChatRequest &request) {
  const json *messages = given(body, "messages");
  if (!messages || !messages->is_array() || messages->empty())
    throw wrong("messages", "messages must be a list with at least one message");
  std::vector<Turn> &turns = request.options.history.emplace();
  for (size_t i = 0; i < messages->size(); ++i) {
    const json &message = (*messages)[i];
    const std::string at = "messages[" + std::to_string(i) + "]";
    if (!message.is_object() || !message.contains("role"))
      throw wrong(at, at + " must be an object with a role");
    const std::string role = text(message["role"], at + ".role");
    const std::string said = content(message, at + ".content");
    if (role == "system" || role == "developer") {
      auto &prompt = request.options.system_prompt;
      prompt = prompt ? *prompt + "\n" + said : said;
      continue;
    }
    const bool by_model = role == "assistant";
    if (!by_model && role != "user")
      throw wrong(at + ".role",
                  at + ".role is '" + role + "', expected system, developer, user or assistant");
    if (by_model && blank(said)) continue;
    if (!turns.empty() && turns.back().by_model == by_model)
      turns.back().text += "\n" + said;
    else
      turns.push_back({by_model, said});
  }
  if (turns.empty() || turns.back().by_model || blank(turns.back().text))
    throw wrong("messages", "the last message must be the user's and hold a question");
  if (turns.front().by_model)
    throw wrong("messages", "the first message after the system's must be the user's");
  request.question = std::move(turns.back().text);
  turns.pop_back();
}

void read_sampling(const json &body, AskOptions &options) {
  options.max_new_tokens = count(body, "max_completion_tokens", kLongestAnswer);
  if (!options.max_new_tokens) options.max_new_tokens = count(body, "max_tokens", kLongestAnswer);
  options.temperature = number(body, "temperature", 0, 2);
  options.top_p = number(body, "top_p", 0, 1);
  if (const json *seed = given(body, "seed")) {
    if (!seed->is_number_integer()) throw wrong("seed", "seed must be a whole number");
    options.seed = seed->is_number_unsigned() ? seed->get<uint64_t>() : uint64_t(seed->get<int64_t>());
  }
  const json *stop = given(body, "stop");
  if (!stop) return;
  const json list = stop->is_array() ? *stop : json::array({*stop});
  if (list.size() > kStops)
    throw wrong("stop", "stop has " + std::to_string(list.size()) + " texts, at most " +
                            std::to_string(kStops) + " are taken");
  for (const json &one : list) {
    options.stop.push_back(text(one, "stop"));
    if (options.stop.back().empty()) throw wrong("stop", "stop must not be an empty text");
  }
}

// What OpenAI knows, we do not, and a client would miss.
void refuse_what_we_cannot(const json &body) {
  if (count(body, "n", 128).value_or(1) != 1) throw wrong("n", "n must be 1: a question has one answer");
  if (flag(body, "logprobs", "logprobs")) throw wrong("logprobs", "logprobs are not given");
  for (const char *name : {"tools", "functions"})
    if (const json *value = given(body, name); value && !value->empty())
      throw wrong(name, std::string(name) + " cannot be called by this model");
}

// OpenAI's response_format, and vLLM's guided_choice for a plain text.
void read_form(const json &body, AskOptions &options) {
  if (const json *choices = given(body, "guided_choice")) {
    if (!choices->is_array() || choices->empty() || choices->size() > kChoices)
      throw wrong("guided_choice", "guided_choice must be a list of 1 to " + std::to_string(kChoices) + " texts");
    for (const json &one : *choices) {
      options.choices.push_back(text(one, "guided_choice"));
      if (options.choices.back().empty()) throw wrong("guided_choice", "guided_choice must not have an empty text");
    }
  }
  const json *format = given(body, "response_format");
  if (!format) return;
  const json *type = format->is_object() ? given(*format, "type") : nullptr;
  if (type && *type == "text") return;
  if (!type || *type != "json_schema")
    throw wrong("response_format", "response_format must be of the type text or json_schema");
  if (!options.choices.empty()) throw wrong("guided_choice", "guided_choice and response_format exclude each other");
  const json *wrapped = given(*format, "json_schema");
  const json *schema = wrapped && wrapped->is_object() ? given(*wrapped, "schema") : nullptr;
  if (!schema) throw wrong("response_format", "response_format has no json_schema.schema");
  options.schema = schema->dump();
  try {
    schema_grammar(options.schema);
  } catch (const std::runtime_error &error) {
    throw wrong("response_format", error.what(), "cannot_be_met");
  }
}

}  // namespace

ChatRequest parse_chat(std::string_view bytes) {
  json body;
  try {
    body = parse_json(bytes, "the request");
  } catch (const std::runtime_error &error) {
    throw ApiError(400, error.what());
  }
  if (!body.is_object()) throw ApiError(400, "the request must be a JSON object");
  ChatRequest request;
  if (const json *model = given(body, "model")) request.model = text(*model, "model");
  read_messages(body, request);
  read_sampling(body, request.options);
  refuse_what_we_cannot(body);
  read_form(body, request.options);
  request.stream = flag(body, "stream", "stream");
  if (const json *options = given(body, "stream_options")) {
    if (!options->is_object()) throw wrong("stream_options", "stream_options must be an object");
    request.include_usage = flag(*options, "include_usage", "stream_options.include_usage");
  }
  return request;
}

}  // namespace vtok
