// Models that see a video frame by frame: a vision tower, patches brought together, a projector, pooling.
// What families of this kind differ in, and what follows from it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "models/config.h"
#include "models/encoder.h"
#include "models/family.h"

namespace vtok {

struct FrameModel {
  VisionConfig vision;
  int layers = 0;  // the tokens are made of the output of so many layers of the tower; 0: of its embeddings
  VideoProcessor video;
  int shuffle =
      1;  // a square of shuffle x shuffle patches is one token, their channels row by row beside each other

  struct Projector {
    bool norm = false;  // a layer norm before it
    bool two = true;    // two products with `activation` between them; else one
    Activation activation = Activation::kGelu;
    bool bias = true;
  } projector;
  /// kAverage: 2x2 patches into one before the projector; kBilinear: half the side after it.
  enum Pooling { kNone, kAverage, kBilinear } pooling = kNone;
  bool newline = false;  // image_newline comes after the last group

  TextConfig text;
  int visual_token = 0;         // the placeholder's id
  std::vector<int> end_tokens;  // any of them ends an answer

  int projector_in() const { return vision.hidden * shuffle * shuffle; }
  int grid() const;  // tokens per side of a frame
};

/// Settings that all these families write alike: vision_config (`towers`: the kinds of towers it may name,
/// `no_vision`: what the family takes where there is none at all, null: the kind's numbers), text_config
/// (`absent`: its model_type where it has none), the video processor, end tokens. Throws std::runtime_error
/// naming the file's setting, what was found and what was expected.
FrameModel read_frame_model(const Checkpoint &checkpoint, const std::vector<std::string> &towers,
                            const VisionConfig *no_vision, const char *absent);
/// vision_feature_layer and vision_feature_select_strategy.
void read_feature_layer(const Checkpoint &checkpoint, int absent, FrameModel &model);
/// The placeholder's id under the first of `keys` that is there.
int read_placeholder(const Checkpoint &checkpoint, const std::vector<const char *> &keys, int absent,
                     int vocabulary);

// What the rows of family.cc need.
EncoderInfo describe_frame_model(const Checkpoint &checkpoint, const FrameModel &model);
LanguageInfo language_of(const FrameModel &model);
void check_language_of(const Checkpoint &checkpoint, const FrameModel &model);

/// A row of family.cc: all but the prompt follows from what `read` gives.
template <FrameModel (*read)(const Checkpoint &)>
constexpr Family frame_family(const char *name, const char *help, std::span<const Rename> renames,
                              std::vector<Segment> (*prompt)(const Checkpoint &, const Request &),
                              std::vector<Segment> (*group)(const Checkpoint &, const GroupPtr &,
                                                            bool timestamps)) {
  return {name,
          help,
          renames,
          [](const Checkpoint &checkpoint) { return describe_frame_model(checkpoint, read(checkpoint)); },
          [](const Checkpoint &checkpoint) { return language_of(read(checkpoint)); },
          [](const Checkpoint &checkpoint) { check_language_of(checkpoint, read(checkpoint)); },
          prompt,
          group};
}

/// Tensors' names in the LLaVA families and InternVL.
inline constexpr Rename kLlavaNames[] = {
    {"model.vision_tower.", "vision_tower."}, {"model.multi_modal_projector.", "multi_modal_projector."},
    {"model.image_newline", "image_newline"}, {"model.language_model.", "language_model.model."},
    {"lm_head.", "language_model.lm_head."},  {"vision_tower.vision_model.", "vision_tower."}};

// Each throws std::runtime_error as above.
FrameModel read_llava_onevision(const Checkpoint &checkpoint);
FrameModel read_llava(const Checkpoint &checkpoint);
FrameModel read_llava_next_video(const Checkpoint &checkpoint);
FrameModel read_smolvlm(const Checkpoint &checkpoint);
FrameModel read_internvl(const Checkpoint &checkpoint);
/// What the checkpoint's family reads.
FrameModel frame_model(const Checkpoint &checkpoint);

extern const Family kLlavaOnevision, kLlava, kLlavaNextVideo, kSmolVlm, kInternVl;

}  // namespace vtok
