// The encoder that is a user's program (models/families/exported.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "models/encoder.h"
#include "models/encoders/frame_pixels.h"
#include "models/encoders/program.h"
#include "models/families/exported.h"
#include "models/model_stream.h"
#include "models/together.h"

namespace vtok {

class ExportedEncoder : public Encoder {
 public:
  /// Loads the program and runs it on grey frames: one whose tokens are not what encoder.json says is refused
  /// here.
  ExportedEncoder(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                  const Progress &progress);
  std::vector<Tokens> encode(std::span<const Picture> pictures) override;

 private:
  at::Tensor tokens(
      const at::Tensor &pixels);  // [n, 3, height, width] -> [n, tokens, hidden], the placement's type
  at::Tensor call(const at::Tensor &pixels);  // the same of frames that are one call
  std::vector<Tokens> compute(std::span<const Picture> pictures);

  const ExportedModel model_;
  const Placement placement_;
  Together<Picture, Tokens> together_;
  std::mutex mutex_;  // one batch at a time
  FramePixels pixels_;
  std::unique_ptr<Program> program_;
  ModelStream stream_;
};

}  // namespace vtok
