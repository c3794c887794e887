// Where a model runs and with which numbers: the properties device=, dtype= and quantization=, resolved once.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>

#include "models/tokens.h"

namespace vtok {

enum class DType : int { kAuto, kFloat32, kBfloat16, kFloat16 };
/// Weights that decoding reads: the checkpoint's own, or a copy in fewer bits with a scale for each 64 of a row.
enum class Quantization : int { kNone, kInt8, kInt4 };

struct Placement {
  int device = -1;             // CUDA ordinal; -1: CPU
  Type type = Type::kFloat32;  // never int8 or float8
  Quantization quantization = Quantization::kNone;
  bool operator==(const Placement &) const = default;
};

/// `device`: "auto", "cpu", "cuda", "cuda:N". auto takes a GPU where the engine can use one, bfloat16 where the device
/// multiplies it fast, else float32. Fewer bits are for a CPU in float32 or bfloat16. Throws std::invalid_argument naming what was
/// found and what is allowed.
Placement resolve_placement(const std::string &device, DType dtype, Quantization quantization = Quantization::kNone);

}  // namespace vtok
