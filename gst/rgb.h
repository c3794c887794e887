// Video frames of any raw format as packed 8-bit RGB.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/video/video.h>

#include <memory>

#include "models/encoder.h"

namespace vtok {

/// A picture and what keeps its pixels alive.
struct RgbFrame {
  Picture picture;
  std::shared_ptr<void> holder;
};

/// Converts frames of one format; RGB is handed on as it is. For one thread.
class RgbConverter {
  GstVideoInfo in_, out_;
  std::unique_ptr<GstVideoConverter, void (*)(GstVideoConverter *)> converter_;  // null: already RGB
  std::shared_ptr<GstBufferPool> pool_;

 public:
  /// Throws ElementError (wrong_caps) where GStreamer cannot convert this format.
  explicit RgbConverter(const GstVideoInfo &in);
  RgbConverter(const RgbConverter &) = delete;
  /// Same size; rows of the result are `stride` bytes apart. Throws BadTokens where the buffer does not fit
  /// its caps.
  RgbFrame convert(GstBuffer *buffer) const;
};

}  // namespace vtok
