// LibTorch and our kernels on one set of threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace vtok {

/// From now on kernels that models call run on LibTorch's threads, and LibTorch has threads() of them.
void share_threads();

}  // namespace vtok
