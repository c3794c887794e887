// Numbers in English words.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/number_words.h"

namespace vtok {
namespace {

const char *const kSmall[] = {"zero",    "one",     "two",       "three",    "four",
                              "five",    "six",     "seven",     "eight",    "nine",
                              "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                              "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
const char *const kTens[] = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};

std::string below_thousand(int64_t n) {
  std::string text;
  if (n >= 100) text = std::string(kSmall[n / 100]) + " hundred" + (n % 100 ? " and " : "");
  n %= 100;
  if (n >= 20) return text + kTens[n / 10 - 2] + (n % 10 ? "-" + std::string(kSmall[n % 10]) : "");
  return n || text.empty() ? text + kSmall[n] : text;
}

}  // namespace

std::string number_words(int64_t number) {
  if (number < 0 || number > 999'999'999) return std::to_string(number);
  std::string text;
  for (const auto &[size, name] :
       {std::pair{int64_t(1'000'000), " million"}, std::pair{int64_t(1000), " thousand"}}) {
    if (number < size) continue;
    text += (text.empty() ? "" : ", ") + below_thousand(number / size) + name;
    number %= size;
  }
  if (text.empty()) return below_thousand(number);
  if (!number) return text;
  return text + (number < 100 ? " and " : ", ") + below_thousand(number);
}

}  // namespace vtok
