// What a checkpoint's JSON files say, as numbers with names: each read once, its range checked.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Absent values are those of Hugging Face transformers.
#pragma once
#include <cstdint>
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

/// A vision transformer with learned positions: SigLIP, CLIP, InternViT or SmolVLM's SigLIP.
struct VisionConfig {
  enum Kind { kSiglip, kClip, kInternVit, kSmolVlm } kind = kSiglip;
  int hidden = 768, intermediate = 3072, layers = 12, heads = 12;
  int channels = 3, image_size = 224, patch = 16;  // pixels
  double layer_norm_eps = 1e-6;
  Activation activation = Activation::kGeluTanh;
  bool class_token = false;  // stands before the patches
  bool patch_bias = true, qkv_bias = true;
  bool pre_norm = false;                           // before the first layer
  bool final_norm = false;                         // after the last layer, where its output is used
  bool rms_norm = false;                           // in the layers, instead of layer norms
  bool qk_norm = false;                            // RMS norms over all of q and k
  bool layer_scale = false;                        // what a layer adds is scaled channel by channel
  int grid() const { return image_size / patch; }  // patches per side
  int head() const { return hidden / heads; }
  int rows() const { return grid() * grid() + class_token; }  // of the positions
  std::vector<int64_t> position_shape() const {
    if (kind == kInternVit) return {1, rows(), hidden};
    return {rows(), hidden};
  }
  std::vector<int64_t> class_shape() const {
    if (kind == kInternVit) return {1, 1, hidden};
    return {hidden};
  }
};

/// A language model of Llama's kind (Llama, Mistral, Qwen2, Qwen3): RMS norms, rotary positions,
/// grouped-query attention.
struct TextConfig {
  int vocabulary = 151936, hidden = 4096, intermediate = 22016, layers = 32, heads = 32, key_value_heads = 32;
  int head = 128;       // width of one head
  int context = 32768;  // positions
  double rms_norm_eps = 1e-6, rope_theta = 10000;
  double rope_factor = 1;  // positions are divided by it
  bool qkv_bias = true, out_bias = false;
  bool qk_norm = false;  // RMS norms over every head of q and k
  bool tied = false;     // lm_head is embed_tokens, where the file has no lm_head of its own
  /// M-RoPE: which of a row's three positions (0 time, 1 row, 2 column) turns each of the head / 2 pairs of
  /// numbers. Empty: rows have one position.
  std::vector<uint8_t> rope_axes;
  Activation activation = Activation::kSilu;
};

/// How a frame becomes pixel values: resized to width x height, times `rescale`, minus mean, divided by std.
/// With `shortest` resized until its shorter side has so many pixels, then width x height are cut out of its
/// middle; with `longest` resized twice, the first time until its longer side has so many.
struct VideoProcessor {
  enum Filter { kLanczos = 1, kBilinear = 2, kBicubic = 3 } filter = kBicubic;  // PIL's numbers
  int width = 384, height = 384;
  int shortest = 0, longest = 0;                         // 0: not
  double rescale = 1.0 / 255;                            // 1 where the processor does not rescale
  double mean[3] = {0.48145466, 0.4578275, 0.40821073};  // 0 and
  double std[3] = {0.26862954, 0.26130258, 0.27577711};  // 1 where it does not normalise
};

class Section;

/// Hugging Face's own numbers of CLIP.
VisionConfig clip_tower();

// Each throws std::runtime_error naming the file's setting, what was found and what was expected.
/// A vision tower whose model_type is one of `kinds`; the first where the file names none. `absent`: its
/// numbers where the file has none of its own; null: the kind's.
VisionConfig read_vision(const Section &file, const std::vector<std::string> &kinds,
                         const VisionConfig *absent);
TextConfig read_text(const Section &file, const char *absent);
VideoProcessor read_video(const Section &file);
/// How bytes become numbers, without the size.
void read_normalization(const Section &file, VideoProcessor &config);
/// The ids that end an answer: generation_config.json's, else config.json's, else its text_config's; one id
/// or several.
std::vector<int> read_end_tokens(const Checkpoint &checkpoint, int vocabulary);

}  // namespace vtok
