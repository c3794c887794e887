// Keyframe method `interval`: every frame has changed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/keyframe.h"

namespace vtok {
namespace {

template <class Frame>
class Interval : public Selector<Frame> {
 public:
  double change(const Frame &) override { return 1; }
  void keep(const Frame &) override {}
  void reset() override {}
};

}  // namespace

std::unique_ptr<Selector<Thumbnail>> make_interval() { return std::make_unique<Interval<Thumbnail>>(); }
std::unique_ptr<Selector<Tokens>> make_token_interval() { return std::make_unique<Interval<Tokens>>(); }

}  // namespace vtok
