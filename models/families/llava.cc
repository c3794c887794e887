// LLaVA-1.5 and LLaVA-NeXT-Video: CLIP, a two-layer projector, Llama. LLaVA-1.5 takes frames as images;
// LLaVA-NeXT-Video takes a video, whose patches are averaged 2x2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/frame_model.h"
#include "models/prompt.h"
#include "models/section.h"

namespace vtok {
namespace {

/// What is absent where there is no vision_config at all: not CLIP's own defaults.
VisionConfig no_vision() {
  VisionConfig config = clip_tower();
  config.hidden = 1024, config.intermediate = 4096, config.layers = 24, config.heads = 16;
  config.image_size = 336, config.patch = 14;
  return config;
}

FrameModel read(const Checkpoint &checkpoint) {
  static const VisionConfig kNoVision = no_vision();
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  FrameModel model =
      read_frame_model(checkpoint, {"clip_vision_model", "siglip_vision_model"}, &kNoVision, "llama");
  model.projector.activation = file.activation("projector_hidden_act", model.projector.activation);
  model.projector.bias = file.truth("multimodal_projector_bias", true);
  read_feature_layer(checkpoint, -2, model);
  return model;
}

std::vector<Segment> images_prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_images(checkpoint, request, read_llava(checkpoint).visual_token, "<image>");
}

std::vector<Segment> images_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps) {
  return framed_group(checkpoint, group, timestamps, [](const FrameRange &) { return std::string("\n"); });
}

std::vector<Segment> video_prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_video(checkpoint, request, read_llava_next_video(checkpoint).visual_token, {});
}

}  // namespace

FrameModel read_llava(const Checkpoint &checkpoint) {
  FrameModel model = read(checkpoint);
  model.visual_token =
      read_placeholder(checkpoint, {"image_token_index", "image_token_id"}, 32000, model.text.vocabulary);
  return model;
}

FrameModel read_llava_next_video(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  FrameModel model = read(checkpoint);
  file.only("spatial_pool_mode", "average");
  file.only("spatial_pool_stride", 2);
  model.pooling = FrameModel::kAverage;
  if (model.vision.grid() % 2)
    file.section("vision_config")
        .refuse("image_size", "an even number of patches a side");  // or HF miscounts them
  model.visual_token =
      read_placeholder(checkpoint, {"video_token_index", "video_token_id"}, 32000, model.text.vocabulary);
  return model;
}

const Family kLlava =
    frame_family<read_llava>("llava", "LLaVA-1.5: CLIP, two-layer projector, frames as images", kLlavaNames,
                             images_prompt, images_group);
const Family kLlavaNextVideo = frame_family<read_llava_next_video>(
    "llava_next_video", "LLaVA-NeXT-Video: CLIP, 2x2 average pooling, two-layer projector", kLlavaNames,
    video_prompt, timed_group);

}  // namespace vtok
