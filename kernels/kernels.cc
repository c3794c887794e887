// Fills the tables of kernels.h; the only place that knows which implementations were built.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/kernels.h"

namespace vtok {

const Kernels &plain() {
  static const Kernels table{"plain"};
  return table;
}
const Kernels &cpu() { return plain(); }
const Kernels *cuda() { return nullptr; }

}  // namespace vtok
