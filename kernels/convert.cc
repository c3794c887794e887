// Numbers from one floating point type to another.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstring>

#include "kernels/half.h"
#include "kernels/reference.h"

namespace vtok::reference {

void convert(const Convert &a, Stream *) {
  if (a.from == a.to) {
    if (a.count > 0) std::memcpy(a.out, a.x, size_t(a.count) * 4);
    return;
  }
  const auto *wide = static_cast<const float *>(a.x);
  const auto *narrow = static_cast<const uint16_t *>(a.x);
  for (int64_t i = 0; i < a.count; i++) {
    if (a.to == Number::kFloat32)
      static_cast<float *>(a.out)[i] =
          a.from == Number::kFloat16 ? from_half(narrow[i]) : from_bfloat16(narrow[i]);
    else
      static_cast<uint16_t *>(a.out)[i] = a.to == Number::kFloat16 ? to_half(wide[i]) : to_bfloat16(wide[i]);
  }
}

}  // namespace vtok::reference
