// The tables a kernel test walks: every one this build and machine have.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "kernels/kernels.h"

namespace vtok::test {

/// Those that take host pointers; plain() first.
inline std::vector<const Kernels *> host_tables() { return {&plain(), &cpu()}; }

}  // namespace vtok::test
