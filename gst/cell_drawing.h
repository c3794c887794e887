// Kept cells as a picture to lay over a video frame.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/video/video.h>

#include "gst/kept.h"

namespace vtok {

struct DrawingStyle {
  double alpha = .4;    // 0..1, how dark what is gone becomes
  bool weights = true;  // how many a token stands for, as a number
  bool operator==(const DrawingStyle &) const = default;
};

inline constexpr uint32_t kKeptColour = 0xff5ad19a;    // 0xAARRGGBB: a token that stands for itself
inline constexpr uint32_t kMergedColour = 0xffffb454;  // one that others were merged into

/// Pixels [height, width], 0xAARRGGBB, alpha not multiplied in: cells without a token darkened, the others in
/// a frame. The page at listen= draws the same (gst/http/page.html).
void draw_cells(const KeptCells &kept, const DrawingStyle &style, int width, int height, uint32_t *pixels);

/// The same as GStreamer lays it over frames of any format. The caller owns it.
GstVideoOverlayComposition *compose_cells(const KeptCells &kept, const DrawingStyle &style, int width,
                                          int height);

}  // namespace vtok
