// Numbers from one floating point type to another, on the device.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.cuh"
#include "kernels/half.h"

namespace vtok::device {
namespace {

__global__ void widen(const uint16_t *x, bool half, int64_t count, float *out) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = half ? from_half(x[i]) : from_bfloat16(x[i]);
}

__global__ void narrow(const float *x, bool half, int64_t count, uint16_t *out) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) out[i] = half ? to_half(x[i]) : to_bfloat16(x[i]);
}

}  // namespace

void convert(const Convert &a, Stream *stream) {
  if (a.count == 0) return;
  const unsigned items = blocks(a.count, kThreads);
  if (a.from == a.to)
    stream->copy(a.out, a.x, size_t(a.count) * sizeof(float));
  else if (a.to == Number::kFloat32)
    widen<<<items, kThreads, 0, handle(stream)>>>(
        static_cast<const uint16_t *>(a.x), a.from == Number::kFloat16, a.count, static_cast<float *>(a.out));
  else
    narrow<<<items, kThreads, 0, handle(stream)>>>(static_cast<const float *>(a.x), a.to == Number::kFloat16,
                                                   a.count, static_cast<uint16_t *>(a.out));
  check(cudaGetLastError(), "convert");
}

}  // namespace vtok::device
