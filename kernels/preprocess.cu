// Resize of bytes in two passes and normalisation, on the device; Note [Resizing, exactly] in filter.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.cuh"

namespace vtok::device {
namespace {

// in: the first of f.taps pixels of one channel, `stride` bytes apart.
__device__ uint8_t weigh(const uint8_t *in, int64_t stride, const FilterView &f, int i) {
  int sum = 1 << (f.precision - 1);
  for (int t = 0; t < f.taps; t++) sum += f.weights[i * f.taps + t] * in[t * stride];
  return uint8_t(min(max(sum >> f.precision, 0), 255));
}

// narrow: [down.in, across.out, 3]
__global__ void pass_across(Preprocess a, uint8_t *narrow) {
  const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y);
  if (x >= a.across.out) return;
  const uint8_t *in = a.rgb + y * a.stride + 3 * int64_t(a.across.taps ? a.across.first[x] : x);
  uint8_t *out = narrow + 3 * (int64_t(y) * a.across.out + x);
  for (int c = 0; c < 3; c++) out[c] = a.across.taps ? weigh(in + c, 3, a.across, x) : in[c];
}

__global__ void pass_down(Preprocess a, const uint8_t *narrow) {
  const int x = int(blockIdx.x * blockDim.x + threadIdx.x), y = int(blockIdx.y);
  const int width = a.across.out, height = a.down.out;
  if (x >= width) return;
  const uint8_t *in = narrow + 3 * (int64_t(a.down.taps ? a.down.first[y] : y) * width + x);
  for (int c = 0; c < 3; c++) {
    const uint8_t byte = a.down.taps ? weigh(in + c, 3 * int64_t(width), a.down, y) : in[c];
    a.out[(int64_t(c) * height + y) * width + x] = (float(byte) - a.mean[c]) / a.deviation[c];
  }
}

}  // namespace

void preprocess(const Preprocess &a, Stream *stream) {
  constexpr int kWide = 128;
  const Array<uint8_t> narrow(size_t(a.down.in) * a.across.out * 3, *stream);
  pass_across<<<dim3(blocks(a.across.out, kWide), unsigned(a.down.in)), kWide, 0, handle(stream)>>>(
      a, narrow.data());
  pass_down<<<dim3(blocks(a.across.out, kWide), unsigned(a.down.out)), kWide, 0, handle(stream)>>>(
      a, narrow.data());
  check(cudaGetLastError(), "preprocess");
}

}  // namespace vtok::device
