// LLaVA-OneVision's encoder: SigLIP, projector, bilinear pooling of video frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "kernels/filter.h"
#include "models/encoder.h"
#include "models/families/llava_onevision.h"
#include "models/model_stream.h"
#include "models/vit.h"
#include "models/together.h"

namespace vtok {

class LlavaOnevision : public Encoder {
 public:
  /// What each step made, float32 on the host, for comparing step by step.
  struct Stages {
    at::Tensor pixels;     // [n, 3, image, image]
    at::Tensor vision;     // [n, patches, vision width]
    at::Tensor projector;  // [n, patches, hidden]
    at::Tensor tokens;     // [n, tokens, hidden]
  };

  LlavaOnevision(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                 const Progress &progress);
  std::vector<Tokens> encode(std::span<const Picture> pictures) override;
  std::vector<Tokens> encode(std::span<const Picture> pictures, Stages *stages);

 private:
  LlavaOnevision(Weights weights, const LlavaOnevisionConfig &config);
  at::Tensor pixels(std::span<const Picture> pictures);               // [n, 3, image, image], float32, host
  at::Tensor tokens(const at::Tensor &pixels, Stages *stages) const;  // [n, pooled * pooled, hidden]
  Tokens frame(const at::Tensor &tokens) const;                       // of one picture, sharing its memory

  static constexpr size_t kTogether = 8;  // pictures of several streams; more gain nothing on a CPU and little on a GPU
  Together<Picture, Tokens> together_{kTogether};
  std::mutex mutex_;  // one batch at a time
  Placement placement_;
  LlavaOnevisionConfig config_;
  std::map<std::pair<int, int>, std::pair<Filter, Filter>> filters_;  // by the frames' width and height
  Vit tower_;
  Linear linear1_, linear2_;
  ModelStream stream_;
};

}  // namespace vtok
