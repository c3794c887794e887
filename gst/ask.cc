// Questions, their times and their ids.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/ask.h"

#include <glib.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace vtok {

static std::string trimmed(const std::string &text) {
  constexpr char kBlank[] = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string question_text(const std::string &text) {
  const char *bad = nullptr;
  if (!g_utf8_validate(text.data(), gssize(text.size()), &bad))
    throw std::invalid_argument("the question is not UTF-8: byte " + std::to_string(bad - text.data()) +
                                " belongs to no character");
  std::string question = trimmed(text);
  if (question.empty()) throw std::invalid_argument("the question is empty");
  return question;
}

std::vector<std::string> question_lines(const std::string &property, std::vector<std::string> &refused) {
  std::vector<std::string> questions;
  std::istringstream lines(property);
  for (std::string line; std::getline(lines, line);) {
    if (trimmed(line).empty()) continue;
    try {
      questions.push_back(question_text(line));
    } catch (const std::invalid_argument &error) {
      refused.push_back(error.what());
    }
  }
  return questions;
}

int64_t Schedule::due(int64_t now) {
  if (every_ <= 0 || now < 0) return -1;
  if (next_ < 0) next_ = now + every_;
  if (now < next_) return -1;
  const int64_t due = next_ + (now - next_) / every_ * every_;
  next_ = due + every_;
  return due;
}

Question Pending::open(std::string text, int64_t at, bool scheduled,
                       std::shared_ptr<const AskOptions> options) {
  std::lock_guard lock(mutex_);
  const uint64_t id = ++last_;
  return questions_[id] = {id,
                           std::move(text),
                           at,
                           scheduled,
                           std::make_shared<std::atomic<bool>>(false),
                           std::move(options),
                           0};
}

void Pending::close(uint64_t id) {
  std::lock_guard lock(mutex_);
  questions_.erase(id);
}

bool Pending::cancel(uint64_t id) {
  std::lock_guard lock(mutex_);
  auto found = questions_.find(id);
  if (found == questions_.end()) return false;
  *found->second.cancelled = true;
  return true;
}

void Pending::cancel_all() {
  std::lock_guard lock(mutex_);
  for (auto &[id, question] : questions_) *question.cancelled = true;
}

std::vector<Question> Pending::take_all() {
  std::lock_guard lock(mutex_);
  std::vector<Question> all;
  for (auto &[id, question] : questions_) all.push_back(std::move(question));
  questions_.clear();
  return all;
}

size_t Pending::count() const {
  std::lock_guard lock(mutex_);
  return questions_.size();
}

int64_t Pending::oldest() const {
  std::lock_guard lock(mutex_);
  int64_t at = INT64_MAX;
  for (const auto &[id, question] : questions_) at = std::min(at, question.at);
  return at;
}

bool Pending::scheduled(int watch) const {
  std::lock_guard lock(mutex_);
  return std::any_of(questions_.begin(), questions_.end(), [&](const auto &entry) {
    const Question &question = entry.second;
    return question.scheduled && (question.options ? question.options->watch : -1) == watch;
  });
}

}  // namespace vtok
