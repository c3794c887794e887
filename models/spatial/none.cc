// Spatial method `none`: keeps every token, whatever the budget.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/device_tokens.h"
#include "models/norms.h"
#include "models/spatial.h"

namespace vtok {
namespace {

class None : public Spatial {
  OwnStream own_stream;

 public:
  Tokens compress(const Tokens &frame, int64_t) override {
    check_finite(frame, own_stream.on(frame));
    return frame;
  }
};

}  // namespace

std::unique_ptr<Spatial> make_spatial_none(const CompressorSettings &) { return std::make_unique<None>(); }

}  // namespace vtok
