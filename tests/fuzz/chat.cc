// Feeds chat completion requests; what is refused and what is answered must be JSON whatever they hold.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/chat.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "gst/http/api_error.h"
#include "gst/http/completion.h"
#include "gst/span.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char *>(data), size);
  try {
    const vtok::ChatRequest request = vtok::parse_chat(bytes);
    if (request.question.empty() || !request.options.history ||
        (!request.options.history->empty() && request.options.history->front().by_model))
      abort();
    std::string behind = request.question;
    if (const auto span = vtok::take_span(behind); behind.empty() || bool(span) == (behind == request.question)) abort();
    vtok::Completion completion{"id", request.model, 0, request.include_usage};
    vtok::Answer answer;
    answer.text = request.question;
    if (nlohmann::json::parse(completion.whole(answer, 0, 1))["choices"][0]["message"]["content"] !=
        request.question)
      abort();
  } catch (const vtok::ApiError &error) {  // the only kind it may throw
    if (error.status != 400 || nlohmann::json::parse(error.body()).at("error").size() != 4) abort();
  }
  // A model's own words need not be UTF-8 whole.
  const std::string event = vtok::server_sent(vtok::Completion{}.piece(std::string(bytes)));
  if (event.compare(0, 6, "data: ") != 0 || event.find('\n') != event.size() - 2 ||
      !nlohmann::json::accept(event.substr(6)))
    abort();
  return 0;
}
