// The weights of one pass of a picture's resize; made once for a stream of equal-sized frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Note [Resizing, exactly]
// Bytes in, bytes out, width first, then height, bytes between the passes; a pass that changes nothing is
// left out.
//   scale = in / out;  support = r * max(scale, 1)          r: bilinear 1, bicubic 2, Lanczos 3
//   centre = scale * (i + 0.5);  lo = max(int(centre - support + 0.5), 0);  hi = min(int(centre + support +
//   0.5), in) w[j] = filter((j + lo - centre + 0.5) / max(scale, 1)), divided by their sum          (double;
//   bicubic a = -0.5) precision = the greatest p <= 22 for which int(0.5 + greatest weight * 2^p) < 2^15 q[j]
//   = w[j] * 2^p rounded half away from zero;  out = clamp((2^(p-1) + sum of q * in) >> p, 0, 255)
// This is what torchvision does with bytes on x86, and so what Hugging Face processors give.
#pragma once
#include <cstdint>
#include <vector>

namespace vtok {

enum class Interpolation { kBilinear, kBicubic, kLanczos };

struct FilterView {
  int in, out;             // pixels
  int taps;                // input pixels per output pixel; 0: in == out, nothing to do
  int precision;           // weights are in units of 2^-precision
  const int *first;        // [out]: first input pixel; first + taps <= in
  const int16_t *weights;  // [out, taps]
};

struct Filter {
  int in = 0, out = 0, taps = 0, precision = 0;
  std::vector<int> first;
  std::vector<int16_t> weights;
  FilterView view() const { return {in, out, taps, precision, first.data(), weights.data()}; }
};

/// in, out >= 1. Throws std::invalid_argument otherwise.
Filter make_filter(int in, int out, Interpolation interpolation);

}  // namespace vtok
