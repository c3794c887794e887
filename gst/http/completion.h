// Chat completions of OpenAI's form, whole or in pieces as server-sent events.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <string>

#include "models/llm.h"

namespace vtok {

/// One answer on its way to a client. All texts are JSON in one line.
struct Completion {
  std::string id, model;
  int64_t created = 0;         // seconds since 1970
  bool include_usage = false;  // streams close with a chunk about it

  /// An answer with the span it saw: "vtok": {"from", "to" (s of stream time), "span" (as the model is told
  /// times), "visual_tokens", "ttft_ms", "total_ms"}.
  std::string whole(const Answer &answer, int64_t from, int64_t to) const;
  /// The chunks of a stream: first the role, then pieces, then why it ended and the span, then the usage if
  /// asked for.
  std::string first() const;
  std::string piece(const std::string &text) const;
  std::string last(const Answer &answer, int64_t from, int64_t to) const;
  std::string usage(const Answer &answer) const;
};

/// "data: ...\n\n", with a line "event: ..." before where `event` is not empty. `data` and `event` are one
/// line.
std::string server_sent(const std::string &data, const std::string &event = "");
inline constexpr char kStreamEnd[] = "data: [DONE]\n\n";

}  // namespace vtok
