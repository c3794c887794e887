// The text of an answer as it grows: whole characters only, ended before a stop text.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/answer_text.h"

#include <algorithm>
#include <utility>

namespace vtok {

AnswerText::AnswerText(std::vector<std::string> stop) : stop_(std::move(stop)) {
  stop_.erase(std::remove(stop_.begin(), stop_.end(), std::string()), stop_.end());
}

std::string AnswerText::push(std::string_view bytes) {
  if (stopped_) return {};
  held_ += characters_.push(bytes);
  return take(false);
}

std::string AnswerText::finish() {
  if (stopped_) return {};
  held_ += characters_.finish();
  return take(true);
}

std::string AnswerText::take(bool last) {
  size_t end = std::string::npos;
  for (const std::string &stop : stop_) end = std::min(end, held_.find(stop));
  stopped_ = end != std::string::npos;
  if (!stopped_) {
    size_t keep = 0;  // bytes at the end that begin a stop text
    for (const std::string &stop : stop_)
      for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep && !last; --n)
        if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) keep = n;
    end = held_.size() - keep;
  }
  std::string out = held_.substr(0, end);
  held_.erase(0, end);
  if (stopped_) held_.clear();
  text_ += out;
  return out;
}

}  // namespace vtok
