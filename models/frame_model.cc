// Models that see a video frame by frame: what their settings mean, which tensors they need, what space their
// tokens are of.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/frame_model.h"

#include "models/section.h"
#include "models/space.h"
#include "models/tower.h"
#include "models/weights.h"

namespace vtok {
namespace {

const std::vector<std::string_view> kKnown = {"vision_tower.", "multi_modal_projector.", "image_newline",
                                              "language_model."};

Section config_of(const Checkpoint &checkpoint) {
  return {checkpoint.config, checkpoint.folder + "/config.json"};
}

std::vector<ExpectedTensor> visual_tensors(const FrameModel &model) {
  std::vector<ExpectedTensor> all = tower_tensors(model.vision);
  const int64_t in = model.projector_in(), out = model.text.hidden;
  const std::string projector = "multi_modal_projector.";
  if (model.projector.norm)
    for (const char *part : {"layer_norm.weight", "layer_norm.bias"}) all.push_back({projector + part, {in}});
  const auto linear = [&](const std::string &name, int64_t from) {
    all.push_back({projector + name + ".weight", {out, from}});
    if (model.projector.bias) all.push_back({projector + name + ".bias", {out}});
  };
  linear("linear_1", in);
  if (model.projector.two) linear("linear_2", out);
  all.push_back({"image_newline", {out}, !model.newline});  // some have one for pictures that are no frames
  return all;
}

std::string space(const Checkpoint &checkpoint, const FrameModel &model) {
  const VisionConfig &vision = model.vision;
  SpaceSettings settings;
  settings.whole("hidden", vision.hidden);
  settings.whole("intermediate", vision.intermediate);
  settings.whole("layers", model.layers);
  settings.whole("heads", vision.heads);
  settings.whole("image-size", vision.image_size);
  settings.whole("patch", vision.patch);
  settings.real("layer-norm-eps", vision.layer_norm_eps);
  settings.whole("activation", int(vision.activation));
  settings.pixels(model.video);
  settings.whole("projector", int(model.projector.activation));
  settings.whole("pooled", model.grid());
  if (vision.kind != VisionConfig::kSiglip) {
    settings.whole("tower", vision.kind);
    settings.whole("norms", vision.rms_norm + 2 * vision.qk_norm + 4 * vision.final_norm);
  }
  if (model.video.shortest) settings.whole("shortest-edge", model.video.shortest);
  if (model.video.longest) settings.whole("longest-edge", model.video.longest);
  return space_of(checkpoint, settings, {"multi_modal_projector.", "image_newline"});
}

}  // namespace

int FrameModel::grid() const {
  const int patches = vision.grid() / shuffle;
  return pooling == kNone ? patches : pooling == kAverage ? patches / 2 : (patches + 1) / 2;
}

FrameModel read_frame_model(const Checkpoint &checkpoint, const std::vector<std::string> &towers,
                            const VisionConfig *no_vision, const char *absent) {
  const Section file = config_of(checkpoint);
  FrameModel model;
  model.vision = read_vision(file.section("vision_config"), towers,
                             file.at("vision_config").is_null() ? no_vision : nullptr);
  model.layers = model.vision.layers;
  model.text = read_text(file.section("text_config"), absent);
  model.text.tied = model.text.tied || file.truth("tie_word_embeddings", false);
  const Section processor(checkpoint.video_processor, checkpoint.folder + ": the video processor");
  model.video = read_video(processor);
  if (model.video.width != model.vision.image_size || model.video.height != model.vision.image_size)
    processor.refuse(model.video.shortest  ? "crop_size"
                     : model.video.longest ? "max_image_size"
                                           : "size",
                     "the vision tower's " + std::to_string(model.vision.image_size) + "x" +
                         std::to_string(model.vision.image_size));
  model.end_tokens = read_end_tokens(checkpoint, model.text.vocabulary);
  return model;
}

void read_feature_layer(const Checkpoint &checkpoint, int absent, FrameModel &model) {
  const Section file = config_of(checkpoint);
  // "default" drops the class token, "full" takes every row: our towers give the patches alone.
  file.only("vision_feature_select_strategy", model.vision.class_token ? "default" : "full");
  const int layers = model.vision.layers,
            layer = file.whole("vision_feature_layer", absent, -layers - 1, layers);
  model.layers = layer < 0 ? layers + 1 + layer : layer;
}

int read_placeholder(const Checkpoint &checkpoint, const std::vector<const char *> &keys, int absent,
                     int vocabulary) {
  const Section file = config_of(checkpoint);
  for (const char *key : keys) {
    if (file.at(key).is_null() && key != keys.back()) continue;
    const int id = file.whole(key, absent, 0, 1 << 24);
    if (id >= vocabulary) file.refuse(key, "an id below vocab_size " + std::to_string(vocabulary));
    return id;
  }
  return absent;
}

FrameModel frame_model(const Checkpoint &checkpoint) {
  static constexpr struct {
    const char *family;
    FrameModel (*read)(const Checkpoint &);
  } kRows[] = {{"llava_onevision", read_llava_onevision},
               {"llava", read_llava},
               {"llava_next_video", read_llava_next_video},
               {"smolvlm", read_smolvlm},
               {"internvl", read_internvl}};
  for (const auto &row : kRows)
    if (checkpoint.family == row.family) return row.read(checkpoint);
  throw std::runtime_error("model_type '" + checkpoint.family + "' does not see a video frame by frame");
}

EncoderInfo describe_frame_model(const Checkpoint &checkpoint, const FrameModel &model) {
  check_tensors(checkpoint, visual_tensors(model),
                {"vision_tower.", "multi_modal_projector.", "image_newline"}, kKnown);
  return {space(checkpoint, model), model.text.hidden, model.grid(), model.grid()};
}

LanguageInfo language_of(const FrameModel &model) {
  return {model.text, model.end_tokens, model.visual_token, model.newline ? "image_newline" : nullptr};
}

void check_language_of(const Checkpoint &checkpoint, const FrameModel &model) {
  std::vector<ExpectedTensor> expected = text_tensors(model.text);
  if (model.newline) expected.push_back({"image_newline", {model.text.hidden}});
  check_tensors(checkpoint, expected, {"language_model."}, kKnown);
}

}  // namespace vtok
