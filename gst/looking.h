// What vtokkeyframe looks at: video frames, or the tokens of frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <memory>

#include "models/keyframe.h"

namespace vtok {

/// The frames of one stream, of one caps. What they do not fit throws BadTokens.
class Looking {
 public:
  virtual ~Looking() = default;
  virtual double threshold() const = 0;  // the method's own
  virtual double change(GstBuffer *frame) = 0;
  virtual void keep(GstBuffer *frame) = 0;
  virtual void reset() = 0;
  /// True where upstream has marked the frame as the first of a group.
  virtual bool opens(GstBuffer *frame) const = 0;
  /// Writes on a kept frame, which is writable, to which group it belongs.
  virtual void mark(GstBuffer *frame, bool starts, uint64_t group) const = 0;
};

/// For raw video or tokens, as the caps say. Throws ElementError where the method does not look at these.
std::unique_ptr<Looking> look_at(const KeyframeMethod &method, const GstCaps *caps);

}  // namespace vtok
