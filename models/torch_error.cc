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
