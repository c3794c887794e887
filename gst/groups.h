// Where groups start: vtokkeyframe marks each video frame it keeps, elements that make tokens follow it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <cstdint>
#include <optional>

namespace vtok {

/// Writes the group's number on a writable video buffer. Every kept frame carries it, so that a group whose
/// first frame is dropped on the way still starts with its second.
void set_video_group(GstBuffer *video, uint64_t group);
/// The number vtokkeyframe gave this frame's group; nothing where no vtokkeyframe is upstream.
std::optional<uint64_t> video_group(GstBuffer *video);

/// Follows one stream of video frames on behalf of an element that makes tokens of them.
class GroupStarts {
  std::optional<uint64_t> marked_;  // what vtokkeyframe last said
  bool restart_ = true;
  uint64_t group_ = 0;

 public:
  /// True where this frame starts a group: its number is another one, or it is the first after restart().
  bool starts(GstBuffer *video);
  /// The number of the open group in our own stream (GstVtokCounts.group), from 0.
  uint64_t group() const { return group_; }
  /// FLUSH, SEGMENT or a caps change: the next frame starts a group.
  void restart() { restart_ = true; }
  /// PAUSED to READY: everything is forgotten.
  void reset() { *this = {}; }

 private:
  bool any_ = false;
};

}  // namespace vtok
