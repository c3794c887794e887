// Where the parts that are not in the plugin lie: beside it, in the build tree or installed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

namespace vtok {

/// Folder of the shipped model `name`. Throws std::runtime_error naming the places looked at.
std::string shipped_model(const std::string &name);
/// Path of the vtok-torch module. Throws std::runtime_error naming the places looked at.
std::string engine_module();
/// Path of what stands in for libtorch.so (models/libtorch.cc). Throws like engine_module().
std::string libtorch_stand_in();

}  // namespace vtok
