// What a checkpoint's JSON files say, as numbers with names: each read once, its range checked.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Absent values are those of Hugging Face transformers.
#pragma once
#include <string>
#include <vector>

#include "models/checkpoint.h"

namespace vtok {

enum class Activation {
  kGelu,
  kGeluTanh,
  kSilu,
  kQuickGelu
};  // x*Phi(x), its tanh form, x*sigmoid(x), x*sigmoid(1.702x)

/// A SigLIP vision tower.
struct VisionConfig {
  int hidden = 768, intermediate = 3072, layers = 12, heads = 12;
  int channels = 3, image_size = 224, patch = 16;  // pixels
  double layer_norm_eps = 1e-6;
  Activation activation = Activation::kGeluTanh;
  int grid() const { return image_size / patch; }  // patches per side
  int head() const { return hidden / heads; }
};

/// A Qwen2 language model: RMS norms, rotary positions, grouped-query attention with biased q, k and v.
struct TextConfig {
  int vocabulary = 151936, hidden = 4096, intermediate = 22016, layers = 32, heads = 32, key_value_heads = 32;
  int head = 128;       // width of one head
  int context = 32768;  // positions
  double rms_norm_eps = 1e-6, rope_theta = 10000;
  bool tied = false;  // lm_head is embed_tokens, where the file has no lm_head of its own
  Activation activation = Activation::kSilu;
};

/// How a frame becomes pixel values: resized to width x height, times `rescale`, minus mean, divided by std.
struct VideoProcessor {
  enum Filter { kLanczos = 1, kBilinear = 2, kBicubic = 3 } filter = kBicubic;  // PIL's numbers
  int width = 384, height = 384;
  double rescale = 1.0 / 255;                            // 1 where the processor does not rescale
  double mean[3] = {0.48145466, 0.4578275, 0.40821073};  // 0 and
  double std[3] = {0.26862954, 0.26130258, 0.27577711};  // 1 where it does not normalise
};

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

}  // namespace vtok
