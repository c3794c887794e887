// Where a model runs and with which numbers: the properties device=, dtype= and quantization=, resolved once.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/placement.h"

#include <charconv>
#include <stdexcept>

#include "models/cuda_name.h"
#include "models/engine.h"

namespace vtok {

int cuda_ordinal(const std::string &device) {
  if (device == "cuda") return 0;
  int number = -1;
  if (!device.starts_with("cuda:")) return -1;
  const char *begin = device.data() + 5, *end = device.data() + device.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  return error == std::errc() && stop == end && number >= 0 ? number : -1;
}

namespace {

bool fast_bfloat16(int device) {
  if (device >= 0) return engine().fast_bfloat16(device);
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");  // whatever has AMX has it too
#else
  return false;
#endif
}

int find_device(const std::string &device) {
  if (device == "cpu") return -1;
  if (device == "auto") return engine().cuda_devices() > 0 ? 0 : -1;
  const int number = cuda_ordinal(device);
  if (number < 0)
    throw std::invalid_argument("device '" + device + "' is not one; there are auto, cpu, cuda and cuda:N");
  const int count = engine().cuda_devices();
  if (number >= count)
    throw std::invalid_argument("device '" + device + "' needs " +
                                (number ? std::to_string(number + 1) + " GPUs" : "a GPU") +
                                " that LibTorch can use, found " + engine().cuda_found());
  return number;
}

}  // namespace

Placement resolve_placement(const std::string &device, DType dtype, Quantization quantization) {
  Placement placement;
  placement.device = find_device(device);
  switch (dtype) {
    case DType::kAuto:
      placement.type = fast_bfloat16(placement.device) ? Type::kBfloat16 : Type::kFloat32;
      break;
    case DType::kFloat32:
      placement.type = Type::kFloat32;
      break;
    case DType::kBfloat16:
      placement.type = Type::kBfloat16;
      break;
    case DType::kFloat16:
      placement.type = Type::kFloat16;
      break;
  }
  placement.quantization = quantization;
  if (quantization != Quantization::kNone && (placement.device >= 0 || placement.type == Type::kFloat16))
    throw std::invalid_argument("quantization is for a CPU in float32 or bfloat16, found " +
                                (placement.device >= 0 ? "the GPU of device '" + device + "'" : "float16"));
  return placement;
}

}  // namespace vtok
