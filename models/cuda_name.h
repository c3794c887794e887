// The names of GPUs in the property device=.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

namespace vtok {

/// The N of "cuda:N"; 0 for "cuda"; -1 where it is neither.
int cuda_ordinal(const std::string &device);

}  // namespace vtok
