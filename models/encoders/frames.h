// The encoder of the families that see a video frame by frame (models/frame_model.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "models/encoder.h"
#include "models/encoders/frame_pixels.h"
#include "models/frame_model.h"
#include "models/model_stream.h"
#include "models/together.h"
#include "models/vit.h"

namespace vtok {

class FrameEncoder : public Encoder {
 public:
  /// What each step made, float32 on the host, for comparing step by step.
  struct Stages {
    at::Tensor pixels;  // [n, 3, image, image]
    at::Tensor
        vision;  // [n, patches, vision width]: without a class token, before patches are brought together
    at::Tensor projector;  // [n, rows, hidden]: before pooling that comes after it
    at::Tensor tokens;     // [n, tokens, hidden]
  };

  FrameEncoder(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
               const Progress &progress);
  std::vector<Tokens> encode(std::span<const Picture> pictures) override;
  std::vector<Tokens> encode(std::span<const Picture> pictures, Stages *stages);

 private:
  FrameEncoder(Weights weights, const FrameModel &model);
  at::Tensor tokens(const at::Tensor &pixels, Stages *stages) const;  // [n, grid * grid, hidden]

  static constexpr size_t kTogether =
      8;  // pictures of several streams; more gain nothing on a CPU and little on a GPU
  Together<Picture, Tokens> together_{kTogether};
  std::mutex mutex_;  // one batch at a time
  Placement placement_;
  FrameModel model_;
  FramePixels pixels_;
  Vit tower_;
  LayerNorm norm_;  // without weights: none
  Linear linear1_, linear2_;
  ModelStream stream_;
};

}  // namespace vtok
