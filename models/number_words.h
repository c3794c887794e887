// Numbers in English words.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <string>

namespace vtok {

/// "one thousand, two hundred and thirty-four", as Python's num2words writes it; from 0 to 999 999 999,
/// others in digits.
std::string number_words(int64_t number);

}  // namespace vtok
