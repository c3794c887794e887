// Keyframe method `difference`: the greatest mean luma change of a block against the last kept frame.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A block averages noise away, and the greatest of them does not fade as the rest of the picture stands still.
#include <algorithm>
#include <vector>

#include "kernels/kernels.h"
#include "models/keyframe.h"

namespace vtok {
namespace {

constexpr int kColumns = 16, kRows = 9;

class Difference : public Selector<Thumbnail> {
  std::vector<uint8_t> kept;  // [height, width]; empty: none
  int width = 0, height = 0;

 public:
  double change(const Thumbnail &frame) override {
    if (kept.empty() || frame.width != width || frame.height != height) return 1;
    const int columns = std::min(kColumns, width), rows = std::min(kRows, height);
    float blocks[kRows * kColumns];
    cpu().change({.a = frame.luma,
                  .b = kept.data(),
                  .width = width,
                  .height = height,
                  .stride_a = frame.stride,
                  .stride_b = width,
                  .columns = columns,
                  .rows = rows,
                  .out = blocks},
                 nullptr);
    return double(*std::max_element(blocks, blocks + rows * columns));
  }

  void keep(const Thumbnail &frame) override {
    width = frame.width, height = frame.height;
    kept.resize(size_t(width) * size_t(height));
    for (int y = 0; y < height; y++)
      std::copy_n(frame.luma + size_t(y) * size_t(frame.stride), width, &kept[size_t(y) * size_t(width)]);
  }

  void reset() override { kept.clear(); }
};

}  // namespace

std::unique_ptr<Selector<Thumbnail>> make_difference() { return std::make_unique<Difference>(); }

}  // namespace vtok
