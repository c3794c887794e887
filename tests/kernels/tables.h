// The tables a kernel test walks: every one this build and machine have.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <algorithm>
#include <vector>

#include "kernels/kernels.h"

namespace vtok::test {

/// Those that take host pointers; plain() first.
inline std::vector<const Kernels *> host_tables() { return {&plain(), &cpu()}; }

/// How many elements differ; a test that fails says this rather than print two pictures.
template <class T>
size_t differing(const std::vector<T> &a, const std::vector<T> &b) {
  size_t count = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  for (size_t i = 0; i < std::min(a.size(), b.size()); i++) count += a[i] != b[i];
  return count;
}

}  // namespace vtok::test
