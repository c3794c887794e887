// A program that a user exported: TorchScript or an AOTInductor package.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <string>

#include "models/placement.h"

namespace vtok {

class Program {
 public:
  virtual ~Program() = default;
  /// Calls it with one tensor on its device; it must answer with one. For one thread at a time. Throws
  /// std::exception.
  virtual at::Tensor operator()(const at::Tensor &in) = 0;
};

/// Loads the program, whose code then runs with all that this process may do. Throws std::runtime_error where
/// the file holds none that can run here, saying what it holds.
std::unique_ptr<Program> load_program(const std::string &path, const Placement &placement);

}  // namespace vtok
