// The table of keyframe methods, with their thresholds.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// These come from fixed cameras: what compression and sensors do to a picture in which nothing happens stays
// below 0.05 by `difference`; what moves before a camera stays below 0.2 by `scene`. Of tokens: where nothing
// happens, no token of the shipped model comes further from its last kept one than 0.02; what moves takes
// some beyond 0.5.
#include "models/keyframe.h"

namespace vtok {

std::unique_ptr<Selector<Thumbnail>> make_interval();
std::unique_ptr<Selector<Thumbnail>> make_difference();
std::unique_ptr<Selector<Thumbnail>> make_scene();
std::unique_ptr<Selector<Tokens>> make_token_interval();
std::unique_ptr<Selector<Tokens>> make_token_difference();

std::span<const KeyframeMethod> keyframe_methods() {
  static constexpr KeyframeMethod kMethods[] = {
      {"interval", "every frame, as far as min-interval and max-interval let it", 0, 0, false, false,
       make_interval, make_token_interval},
      {"difference", "greatest mean luma change of a block of the picture, or change of direction of a token",
       0.06, 0.1, true, false, make_difference, make_token_difference},
      {"scene", "cuts, by the luma histograms of successive frames; each opens a group", 0.25, 0.25, true,
       true, make_scene, nullptr},
  };
  return kMethods;
}

}  // namespace vtok
