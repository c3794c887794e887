// The table of keyframe methods, with their thresholds.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// These come from fixed cameras: what compression and sensors do to a picture in which nothing happens stays
// below 0.05 by `difference`; what moves before a camera stays below 0.2 by `scene`.
#include "models/keyframe.h"

namespace vtok {

std::unique_ptr<Keyframe> make_keyframe_interval();
std::unique_ptr<Keyframe> make_keyframe_difference();
std::unique_ptr<Keyframe> make_keyframe_scene();

std::span<const KeyframeMethod> keyframe_methods() {
  static constexpr KeyframeMethod kMethods[] = {
      {"interval", "every frame, as far as min-interval and max-interval let it", 0, false, false,
       make_keyframe_interval},
      {"difference", "greatest mean luma change of a block of the picture", 0.06, true, false,
       make_keyframe_difference},
      {"scene", "cuts, by the luma histograms of successive frames; each opens a group", 0.25, true, true,
       make_keyframe_scene},
  };
  return kMethods;
}

}  // namespace vtok
