// LLaVA-OneVision: SigLIP, a two-layer projector, 2x2 bilinear pooling, Qwen2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "models/config.h"
#include "models/family.h"
#include "models/weights.h"

namespace vtok {

struct LlavaOnevisionConfig {
  VisionConfig vision;
  TextConfig text;
  VideoProcessor video;
  Activation projector = Activation::kGelu;
  bool projector_bias = true;
  int vision_layers_used =
      0;  // the tokens are the output of this many layers, without post_layernorm; 0: embeddings
  int video_token = 151647;     // the placeholder's id
  std::vector<int> end_tokens;  // any of them ends an answer
  int pooled() const {
    return (vision.grid() + 1) / 2;
  }  // tokens per side of a frame, after bilinear pooling
};

/// Throws std::runtime_error naming the file's setting, what was found and what was expected.
LlavaOnevisionConfig read_llava_onevision(const Checkpoint &checkpoint);

extern const Family kLlavaOnevision;

}  // namespace vtok
