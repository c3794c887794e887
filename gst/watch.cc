// Lines of the property watch=, thresholds with hysteresis and cool-down.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/watch.h"

#include <glib.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "gst/ask.h"

namespace vtok {
namespace {

std::string trimmed(const std::string &text) {
  const size_t first = text.find_first_not_of(" \t\r");
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string> split(const std::string &text, char at) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) out.push_back(trimmed(part));
  return out;
}

double number(const std::string &name, const std::string &value, double low, double high) {
  gchar *end;
  const double x = g_ascii_strtod(value.c_str(), &end);
  if (value.empty() || *end || !(x >= low && x <= high)) {
    std::ostringstream sentence;
    sentence << name << " is '" << value << "', expected a number from " << low << " to " << high;
    throw std::invalid_argument(sentence.str());
  }
  return x;
}

// VALUE reaches to the next " NAME=", so that choices may have blanks.
void set(Watch &watch, const std::string &name, const std::string &value, bool &named) {
  if (name == "choices") {
    watch.choices = split(value, ',');
    std::vector<std::string> sorted = watch.choices;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.size() < 2 || sorted[0].empty() ||
        std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      throw std::invalid_argument("choices is '" + value +
                                  "', expected two or more that differ, with commas between them");
  } else if (name == "when") {
    watch.when = value;
    named = true;
  } else if (name == "threshold") {
    watch.threshold = number(name, value, 0, 1);
  } else if (name == "hysteresis") {
    watch.hysteresis = number(name, value, 0, 1);
  } else if (name == "cooldown") {
    watch.cooldown = int64_t(number(name, value, 0, 1e9) * 1e9);
  } else {
    throw std::invalid_argument("'" + name +
                                "' is no setting: choices, when, threshold, hysteresis, cooldown are");
  }
}

void read_settings(Watch &watch, const std::string &text) {
  std::vector<std::pair<std::string, std::string>> settings;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals != word.npos && equals > 0)
      settings.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    else if (settings.empty())
      throw std::invalid_argument("'" + word + "' is not of the form SETTING=VALUE");
    else
      settings.back().second += " " + word;
  }
  bool named = false;
  for (const auto &[name, value] : settings) set(watch, name, value, named);
  if (!named) watch.when = watch.choices[0];
  if (std::find(watch.choices.begin(), watch.choices.end(), watch.when) == watch.choices.end())
    throw std::invalid_argument("when is '" + watch.when + "', which is not among the choices");
}

Watch parse_line(const std::string &line) {
  if (!g_utf8_validate(line.c_str(), gssize(line.size()), nullptr))
    throw std::invalid_argument("it is no UTF-8");
  const std::vector<std::string> fields = split(line, '|');
  if (fields.size() < 2 || fields.size() > 3 || fields[0].empty() || fields[1].empty())
    throw std::invalid_argument("expected NAME | QUESTION or NAME | QUESTION | SETTINGS");
  Watch watch;
  watch.name = fields[0];
  watch.question = question_text(fields[1]);
  read_settings(watch, fields.size() > 2 ? fields[2] : "");
  return watch;
}

}  // namespace

std::vector<Watch> parse_watches(const std::string &property) {
  std::vector<Watch> out;
  int number = 0;
  for (const std::string &line : split(property, '\n')) {
    ++number;
    if (line.empty()) continue;
    try {
      out.push_back(parse_line(line));
    } catch (const std::invalid_argument &error) {
      throw std::invalid_argument("line " + std::to_string(number) + " of watch: " + error.what());
    }
  }
  return out;
}

bool Alarm::see(double probability, int64_t at) {
  const bool cool = ended_ == INT64_MIN || at - ended_ >= cooldown_;
  if (active_ ? probability >= ends_ : probability < begins_ || !cool) return false;
  active_ = !active_;
  if (!active_) ended_ = at;
  return true;
}

}  // namespace vtok
