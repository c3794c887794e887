// A refusal in the form OpenAI gives it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <stdexcept>
#include <string>

namespace vtok {

struct ApiError
    : std::runtime_error {   // what(): one sentence for the user, maybe with bytes that are no UTF-8
  unsigned status;           // of HTTP
  std::string code;          // "invalid_api_key"; empty: none
  std::string param;         // the field of the request that is wrong; empty: none
  unsigned retry_after = 0;  // seconds; 0: trying again does not help
  ApiError(unsigned s, const std::string &sentence, std::string c = "", std::string p = "",
           unsigned retry = 0)
      : std::runtime_error(sentence),
        status(s),
        code(std::move(c)),
        param(std::move(p)),
        retry_after(retry) {}
  /// "invalid_request_error", "rate_limit_error" or "server_error", as its status says.
  const char *type() const;
  /// {"error": {"message", "type", "param", "code"}}
  std::string body() const;
};

}  // namespace vtok
