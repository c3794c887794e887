// The text of an answer as it grows: whole characters only, ended before a stop text.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "models/tokenizer.h"

namespace vtok {

/// Text that may be the beginning of a stop text is held back until it cannot be one.
class AnswerText {
 public:
  explicit AnswerText(std::vector<std::string> stop);
  /// Takes one token's bytes, returns the text that is certain now.
  std::string push(std::string_view bytes);
  std::string finish();                              // the rest
  bool stopped() const { return stopped_; }          // a stop text was met; nothing more comes
  const std::string &text() const { return text_; }  // all given out so far

 private:
  std::string take(bool last);

  std::vector<std::string> stop_;
  Utf8Stream characters_;
  std::string held_, text_;
  bool stopped_ = false;
};

}  // namespace vtok
