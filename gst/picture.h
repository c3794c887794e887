// A small picture that travels with a group's first tokens, for people to look at.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "models/encoder.h"

namespace vtok {

/// Packed 8-bit red, green, blue.
struct SmallPicture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // [height, width, 3]
};

/// A picture in host memory, at most `longest` pixels wide and high; each pixel the mean of up to 3 x 3 of
/// its part of the picture, so that a large one costs no more than a small one.
SmallPicture shrink(const Picture &picture, int longest = 320);

/// Puts it on a writable token buffer, as a meta that elements which know nothing of it hand on.
void set_picture(GstBuffer *tokens, SmallPicture picture);
/// Nothing where the buffer has none, or one whose size is not what it says.
std::optional<SmallPicture> picture_of(GstBuffer *tokens);

/// The event by which who shows pictures asks for them, upstream of it; who makes tokens makes none before.
GstEvent *want_pictures();
bool wants_pictures(GstEvent *event);

}  // namespace vtok
