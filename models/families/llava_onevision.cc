// LLaVA-OneVision: SigLIP, a two-layer projector, 2x2 bilinear pooling, Qwen2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/llava_onevision.h"

#include "models/prompt.h"
#include "models/section.h"
#include "models/space.h"
#include "models/tower.h"

namespace vtok {
namespace {

constexpr Rename kRenames[] = {
    {"model.vision_tower.", "vision_tower."}, {"model.multi_modal_projector.", "multi_modal_projector."},
    {"model.image_newline", "image_newline"}, {"model.language_model.", "language_model.model."},
    {"lm_head.", "language_model.lm_head."},  {"vision_tower.vision_model.", "vision_tower."}};
const std::vector<std::string_view> kVision = {"vision_tower.", "multi_modal_projector.", "image_newline"};
const std::vector<std::string_view> kKnown = {"vision_tower.", "multi_modal_projector.", "image_newline",
                                              "language_model."};

/// What is absent where there is no vision_config at all: not SigLIP's own defaults.
const VisionConfig kNoVision = {
    .hidden = 1152, .intermediate = 4304, .layers = 26, .heads = 16, .image_size = 384, .patch = 14};

std::vector<ExpectedTensor> vision_tensors(const LlavaOnevisionConfig &config) {
  std::vector<ExpectedTensor> all = tower_tensors(config.vision);
  const int64_t out = config.text.hidden;
  for (const auto &[name, in] :
       {std::pair{"linear_1", int64_t(config.vision.hidden)}, std::pair{"linear_2", out}}) {
    const std::string layer = "multi_modal_projector." + std::string(name);
    all.push_back({layer + ".weight", {out, in}});
    if (config.projector_bias) all.push_back({layer + ".bias", {out}});
  }
  all.push_back({"image_newline", {out}});
  return all;
}

std::string space(const Checkpoint &checkpoint, const LlavaOnevisionConfig &config) {
  const VisionConfig &vision = config.vision;
  SpaceSettings settings;
  settings.whole("hidden", vision.hidden);
  settings.whole("intermediate", vision.intermediate);
  settings.whole("layers", config.vision_layers_used);
  settings.whole("heads", vision.heads);
  settings.whole("image-size", vision.image_size);
  settings.whole("patch", vision.patch);
  settings.real("layer-norm-eps", vision.layer_norm_eps);
  settings.whole("activation", int(vision.activation));
  settings.whole("filter", config.video.filter);
  settings.whole("width", config.video.width);
  settings.whole("height", config.video.height);
  settings.real("rescale", config.video.rescale);
  for (const double mean : config.video.mean) settings.real("mean", mean);
  for (const double std : config.video.std) settings.real("std", std);
  settings.whole("projector", int(config.projector));
  settings.whole("pooled", config.pooled());  // bilinear
  return space_of(checkpoint, settings, {"multi_modal_projector.", "image_newline"});
}

EncoderInfo describe(const Checkpoint &checkpoint) {
  const LlavaOnevisionConfig config = read_llava_onevision(checkpoint);
  check_tensors(checkpoint, vision_tensors(config), kVision, kKnown);
  return {space(checkpoint, config), config.text.hidden, config.pooled(), config.pooled()};
}

LanguageInfo language(const Checkpoint &checkpoint) {
  const LlavaOnevisionConfig config = read_llava_onevision(checkpoint);
  return {config.text, config.end_tokens, config.video_token, "image_newline"};
}

void check_language(const Checkpoint &checkpoint) {
  const LlavaOnevisionConfig config = read_llava_onevision(checkpoint);
  std::vector<ExpectedTensor> expected = text_tensors(config.text);
  expected.push_back({"image_newline", {config.text.hidden}});
  check_tensors(checkpoint, expected, {"language_model."}, kKnown);
}

std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_video(checkpoint, request, read_llava_onevision(checkpoint).video_token,
                      {{Segment::kNewline, {}, nullptr}});
}

}  // namespace

LlavaOnevisionConfig read_llava_onevision(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  file.only("model_type", "llava_onevision");
  LlavaOnevisionConfig config;
  config.vision = read_vision(file.section("vision_config"),
                              file.at("vision_config").is_null() ? kNoVision : VisionConfig());
  config.text = read_text(file.section("text_config"), "qwen2");
  config.text.tied = config.text.tied || file.truth("tie_word_embeddings", false);
  config.projector = file.activation("projector_hidden_act", config.projector);
  config.projector_bias = file.truth("multimodal_projector_bias", true);
  file.only("vision_feature_select_strategy", "full");  // "default" drops a class token, which SigLIP has not
  const int layers = config.vision.layers;
  const int layer = file.whole("vision_feature_layer", -1, -layers - 1, layers);
  config.vision_layers_used = layer < 0 ? layers + 1 + layer : layer;
  config.video_token = file.whole("video_token_index",
                                  file.whole("video_token_id", config.video_token, 0, 1 << 24), 0, 1 << 24);
  if (config.video_token >= config.text.vocabulary)
    file.refuse("video_token_index", "an id below vocab_size " + std::to_string(config.text.vocabulary));
  const Section processor(checkpoint.video_processor, checkpoint.folder + ": the video processor");
  config.video = read_video(processor);
  if (config.video.width != config.vision.image_size || config.video.height != config.vision.image_size)
    processor.refuse("size", "the vision tower's " + std::to_string(config.vision.image_size) + "x" +
                                 std::to_string(config.vision.image_size));
  config.end_tokens = read_end_tokens(checkpoint, config.text.vocabulary);
  return config;
}

const Family kLlavaOnevision = {"llava_onevision",
                                "LLaVA-OneVision: SigLIP, two-layer projector, 2x2 bilinear pooling",
                                kRenames,
                                describe,
                                language,
                                check_language,
                                prompt,
                                timed_group};

}  // namespace vtok
