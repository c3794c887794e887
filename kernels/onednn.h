// What differs between oneDNN 2 and 3.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace vtok::fast {

/// a [m, k] times b [k, n] into c [m, n].
inline dnnl::matmul matmul(const dnnl::engine &engine, const dnnl::memory::desc &a, const dnnl::memory::desc &b,
                           const dnnl::memory::desc &c) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::matmul(dnnl::matmul::primitive_desc(engine, a, b, c));
#else
  return dnnl::matmul(dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), engine));
#endif
}

}  // namespace vtok::fast
