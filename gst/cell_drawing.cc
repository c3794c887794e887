// Frames around cells, and their weights in digits of 3 x 5 dots.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cell_drawing.h"

#include <algorithm>
#include <string>

namespace vtok {
namespace {

// Rows of three bits, the top one first; 0-9, then the sign "times".
constexpr uint16_t kGlyphs[] = {0b111101101101111, 0b010110010010111, 0b111001111100111, 0b111001111001111,
                                0b101101111001001, 0b111100111001111, 0b111100111101111, 0b111001010010010,
                                0b111101111101111, 0b111101111001111, 0b000101010101000};
constexpr int kGlyphWidth = 3, kGlyphHeight = 5, kTimes = 10;
constexpr uint32_t kWhite = 0xffffffff, kLabel = 0x99000000;

class Canvas {
  const int width_;
  uint32_t *const pixels_;

 public:
  Canvas(int width, uint32_t *pixels) : width_(width), pixels_(pixels) {}
  // All of it lies in the picture.
  void fill(int left, int top, int right, int bottom, uint32_t colour) {
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) pixels_[size_t(y) * size_t(width_) + size_t(x)] = colour;
  }
  void frame(int left, int top, int right, int bottom, int line, uint32_t colour) {
    fill(left, top, right, std::min(top + line, bottom), colour);
    fill(left, std::max(bottom - line, top), right, bottom, colour);
    fill(left, top, std::min(left + line, right), bottom, colour);
    fill(std::max(right - line, left), top, right, bottom, colour);
  }
  void glyph(int index, int left, int top, int dot) {
    for (int i = 0; i < kGlyphWidth * kGlyphHeight; ++i)
      if (kGlyphs[index] >> (kGlyphWidth * kGlyphHeight - 1 - i) & 1) {
        const int x = left + i % kGlyphWidth * dot, y = top + i / kGlyphWidth * dot;
        fill(x, y, x + dot, y + dot, kWhite);
      }
  }
};

}  // namespace

void draw_cells(const KeptCells &kept, const DrawingStyle &style, int width, int height, uint32_t *pixels) {
  std::fill_n(pixels, size_t(width) * size_t(height), uint32_t(style.alpha * 255 + .5) << 24);
  Canvas canvas(width, pixels);
  const int line = std::max(1, width / 320), dot = line;
  const auto left_of = [&](int column) { return int(int64_t(width) * column / kept.columns); };
  const auto top_of = [&](int row) { return int(int64_t(height) * row / kept.rows); };
  for (const Cell &cell : kept.cells) {
    const int left = left_of(cell.column), right = left_of(cell.column + 1), top = top_of(cell.row),
              bottom = top_of(cell.row + 1);
    canvas.fill(left, top, right, bottom, 0);
    canvas.frame(left, top, right, bottom, line, cell.weight > 1 ? kMergedColour : kKeptColour);
    if (!style.weights || cell.weight < 2) continue;
    const std::string digits = std::to_string(cell.weight);
    const int step = (kGlyphWidth + 1) * dot, long_label = step * (int(digits.size()) + 1) + dot,
              high = (kGlyphHeight + 2) * dot;
    if (left + line + long_label > right || top + line + high > bottom) continue;  // no room
    int x = left + line;
    canvas.fill(x, top + line, x + long_label, top + line + high, kLabel);
    canvas.glyph(kTimes, x += dot, top + line + dot, dot);
    for (const char digit : digits) canvas.glyph(digit - '0', x += step, top + line + dot, dot);
  }
}

GstVideoOverlayComposition *compose_cells(const KeptCells &kept, const DrawingStyle &style, int width,
                                          int height) {
  GstBuffer *pixels = gst_buffer_new_allocate(nullptr, size_t(width) * size_t(height) * 4, nullptr);
  GstMapInfo map;
  gst_buffer_map(pixels, &map, GST_MAP_WRITE);
  draw_cells(kept, style, width, height, reinterpret_cast<uint32_t *>(map.data));
  gst_buffer_unmap(pixels, &map);
  gst_buffer_add_video_meta(pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB,
                            guint(width), guint(height));
  GstVideoOverlayRectangle *rectangle = gst_video_overlay_rectangle_new_raw(
      pixels, 0, 0, guint(width), guint(height), GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  GstVideoOverlayComposition *composition = gst_video_overlay_composition_new(rectangle);
  gst_video_overlay_rectangle_unref(rectangle);
  gst_buffer_unref(pixels);
  return composition;
}

}  // namespace vtok
