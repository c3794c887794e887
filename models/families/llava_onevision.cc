// LLaVA-OneVision: SigLIP, a two-layer projector, 2x2 bilinear pooling, Qwen2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/frame_model.h"
#include "models/prompt.h"
#include "models/section.h"

namespace vtok {
namespace {

/// What is absent where there is no vision_config at all: not SigLIP's own defaults.
const VisionConfig kNoVision = {
    .hidden = 1152, .intermediate = 4304, .layers = 26, .heads = 16, .image_size = 384, .patch = 14};

std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_video(checkpoint, request, read_llava_onevision(checkpoint).visual_token,
                      {{Segment::kNewline, {}, nullptr}});
}

}  // namespace

FrameModel read_llava_onevision(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  FrameModel model = read_frame_model(checkpoint, {"siglip_vision_model"}, &kNoVision, "qwen2");
  model.projector.activation = file.activation("projector_hidden_act", model.projector.activation);
  model.projector.bias = file.truth("multimodal_projector_bias", true);
  model.pooling = FrameModel::kBilinear;
  model.newline = true;
  read_feature_layer(checkpoint, -1, model);
  model.visual_token =
      read_placeholder(checkpoint, {"video_token_index", "video_token_id"}, 151647, model.text.vocabulary);
  return model;
}

const Family kLlavaOnevision = frame_family<read_llava_onevision>(
    "llava_onevision", "LLaVA-OneVision: SigLIP, two-layer projector, 2x2 bilinear pooling", kLlavaNames,
    prompt, timed_group);

}  // namespace vtok
