// Keyframe method `interval`: every frame has changed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/keyframe.h"

namespace vtok {
namespace {

class Interval : public Keyframe {
 public:
  double change(const Thumbnail &) override { return 1; }
  void keep(const Thumbnail &) override {}
  void reset() override {}
};

}  // namespace

std::unique_ptr<Keyframe> make_keyframe_interval() { return std::make_unique<Interval>(); }

}  // namespace vtok
