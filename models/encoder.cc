// Encoders: pictures in, tokens out; one row per model family, the engine (models/engine.h) does the work.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoder.h"

#include <stdexcept>

#include "models/engine.h"
#include "models/instances.h"

namespace vtok {

EncoderInfo describe_llava_onevision(const Checkpoint &);

namespace {

const EncoderFamily kFamilies[] = {
    {"llava_onevision", "LLaVA-OneVision: SigLIP, two-layer projector, 2x2 bilinear pooling",
     describe_llava_onevision},
};

}  // namespace

std::span<const EncoderFamily> encoder_families() { return kFamilies; }

const EncoderFamily &check_family(const std::string &family) {
  std::string names;
  for (const EncoderFamily &row : kFamilies) {
    if (family == row.name) return row;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  throw std::runtime_error("model_type '" + family + "' is not supported; there is " + names);
}

EncoderInfo describe_encoder(const Checkpoint &checkpoint) {
  return check_family(checkpoint.family).describe(checkpoint);
}

std::shared_ptr<Encoder> load_encoder(std::shared_ptr<const Checkpoint> checkpoint,
                                      const Placement &placement, const Progress &progress) {
  static Instances<Encoder> instances;
  describe_encoder(*checkpoint);
  return instances.get(*checkpoint, placement,
                       [&] { return engine().make_encoder(checkpoint, placement, progress); });
}

}  // namespace vtok
