// LibTorch's errors in one sentence each.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/torch_error.h"

#include <c10/util/Exception.h>

#include <stdexcept>
#include <string>

#include "kernels/device.h"

namespace vtok {
namespace {

std::string first_line(const c10::Error &error) {
  const std::string &all = error.msg();
  return all.substr(0, all.find('\n'));
}

}  // namespace

std::string sentence(std::exception_ptr error) {
  std::string all;
  try {
    std::rethrow_exception(error);
  } catch (const c10::Error &ours) {
    all = ours.msg();
  } catch (const std::exception &other) {
    all = other.what();
  } catch (...) {
    return "an unknown error";
  }
  static constexpr std::string_view kOwn = "Error: ";  // "RuntimeError: what happened", after a trace
  if (const size_t own = all.rfind(kOwn); own != std::string::npos && all.find('\n') < own)
    all.erase(0, own + kOwn.size());
  return all.substr(0, all.find('\n'));
}

std::exception_ptr one_sentence(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const c10::OutOfMemoryError &ours) {
    return std::make_exception_ptr(OutOfMemory(first_line(ours)));
  } catch (const c10::Error &ours) {
    return std::make_exception_ptr(std::runtime_error(first_line(ours)));
  } catch (...) {
    return error;
  }
}

}  // namespace vtok
