// A chat completion request of OpenAI's form, read as a question to the camera.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <string_view>

#include "gst/ask.h"

namespace vtok {

struct ChatRequest {
  std::string model;     // empty: not given
  std::string question;  // the last user message
  AskOptions options;    // no listener
  bool stream = false, include_usage = false;
};

/// The system messages become the system prompt, what comes before the last user message the history; fields
/// that OpenAI knows and that would change what is answered are refused where we cannot obey, all others are
/// left alone. Throws ApiError (400).
ChatRequest parse_chat(std::string_view body);

}  // namespace vtok
