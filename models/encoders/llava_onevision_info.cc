// What LLaVA-OneVision's tokens are, known from the checkpoint alone.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/config.h"
#include "models/encoder.h"
#include "models/space.h"
#include "models/weights.h"

namespace vtok {

EncoderInfo describe_llava_onevision(const Checkpoint &checkpoint) {
  const LlavaOnevisionConfig config = read_llava_onevision(checkpoint);
  check_vision_tensors(checkpoint, config);
  return {space_of(checkpoint, config), config.text.hidden, config.pooled(), config.pooled()};
}

}  // namespace vtok
