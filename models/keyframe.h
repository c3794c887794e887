// Keyframe selectors: how much a frame differs from the last kept one.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// To add one: a file in keyframes/, a line in keyframe.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "models/tokens.h"

namespace vtok {

/// A small luma picture of the frame, GRAY8, averaged down; vtokkeyframe makes it. Thresholds were chosen at 160 x 90; half
/// to twice that serves as well, and an object of 5 % of the picture is then several blocks of `difference`.
struct Thumbnail {
  const uint8_t *luma = nullptr;
  int width = 0, height = 0, stride = 0;
};

/// Frame: Thumbnail, or Tokens of one frame in host or device memory; these throw BadTokens where they are not finite.
template <class Frame>
class Selector {
 public:
  virtual ~Selector() = default;
  /// Change against the last kept frame, 0..1; 1 where there is none yet, or it had another shape. Called once
  /// with every frame, in order. Kept or not is vtokkeyframe's decision.
  virtual double change(const Frame &frame) = 0;
  virtual void keep(const Frame &frame) = 0;  // this frame is the last kept one now
  virtual void reset() = 0;
};

struct KeyframeMethod {
  const char *name;
  const char *help;
  double threshold;        // default: a frame is kept when its change is above
  double token_threshold;  // the same for frames of tokens
  bool looks;              // at the frame; otherwise change() and keep() get an empty one
  bool opens_groups;       // a change above the threshold opens a group (scene); otherwise only max-interval does
  std::unique_ptr<Selector<Thumbnail>> (*make)();
  std::unique_ptr<Selector<Tokens>> (*make_for_tokens)();  // null: it looks at pictures only
};
std::span<const KeyframeMethod> keyframe_methods();

}  // namespace vtok
