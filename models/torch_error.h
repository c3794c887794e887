// LibTorch's errors in one sentence each.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <exception>
#include <string>

namespace vtok {

/// LibTorch's own errors carry a backtrace and advice, line after line: of these the first line, as
/// OutOfMemory where a device has no more, else as std::runtime_error. Any other error as it is.
std::exception_ptr one_sentence(std::exception_ptr error);
/// What an error says, in one line: of an error inside a program, whose traces go before it, its own.
std::string sentence(std::exception_ptr error);

/// work(), which throws such errors.
template <class F>
auto in_sentences(F &&work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    std::rethrow_exception(one_sentence(std::current_exception()));
  }
}

}  // namespace vtok
