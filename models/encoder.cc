// Encoders: pictures in, tokens out; the engine (models/engine.h) does the work.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoder.h"

#include "models/engine.h"
#include "models/family.h"
#include "models/instances.h"

namespace vtok {

EncoderInfo describe_encoder(const Checkpoint &checkpoint) {
  return family_of(checkpoint).describe(checkpoint);
}

std::shared_ptr<Encoder> load_encoder(std::shared_ptr<const Checkpoint> checkpoint,
                                      const Placement &placement, const Progress &progress) {
  static Instances<Encoder> instances;
  describe_encoder(*checkpoint);
  return instances.get(*checkpoint, placement,
                       [&] { return engine().make_encoder(checkpoint, placement, progress); });
}

}  // namespace vtok
