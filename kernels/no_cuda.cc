// A build without CUDA kernels has no CUDA device.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.h"

namespace vtok {

Device *cuda_device(int) { return nullptr; }

}  // namespace vtok
