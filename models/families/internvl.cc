// InternVL3: InternViT, squares of patches side by side, a two-layer projector behind a norm, Qwen2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdexcept>

#include "models/frame_model.h"
#include "models/prompt.h"
#include "models/section.h"

namespace vtok {
namespace {

/// "Frame1: <img>(tokens)</img>", the tokens as one placeholder.
std::string frame_text(const Checkpoint &checkpoint, int placeholder, size_t number) {
  return "Frame" + std::to_string(number) + ": <img>" + checkpoint.tokenizer->bytes(placeholder) + "</img>";
}

std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  const int placeholder = read_internvl(checkpoint).visual_token;
  for (const char *token : {"<img>", "</img>"})
    if (checkpoint.tokenizer->id_of(token) < 0)
      throw std::runtime_error(checkpoint.folder + "/tokenizer.json has no added token " + token);
  const std::vector<FrameRange> frames = frames_of(request.groups);
  std::string video;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (i) video += "\n";
    if (request.timestamps && (!i || frames[i].group != frames[i - 1].group))
      video += timestamp_text(frames[i].group->from, frames[i].group->to) + "\n";
    video += frame_text(checkpoint, placeholder, i + 1);
  }
  return with_frames(checkpoint, render_video(checkpoint, request, checkpoint.chat_template, video),
                     placeholder, frames);
}

std::vector<Segment> group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps) {
  size_t number = 0;  // its digits may be more in a prompt: fit_prompt() looks at the prompt itself
  return framed_group(checkpoint, group, timestamps, [&](const FrameRange &) {
    return "\nFrame" + std::to_string(++number) + ": <img></img>";
  });
}

}  // namespace

FrameModel read_internvl(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  FrameModel model = read_frame_model(checkpoint, {"internvl_vision"}, nullptr, "qwen2");
  model.text.tied = model.text.tied || file.truth("tie_word_embeddings", true);
  model.projector.norm = true;
  model.projector.activation = file.activation("projector_hidden_act", model.projector.activation);
  const double ratio = file.number("downsample_ratio", 0.5);
  model.shuffle = int(1 / ratio);
  if (model.shuffle < 1 || model.shuffle * ratio != 1 || model.vision.grid() % model.shuffle)
    file.refuse("downsample_ratio",
                "1 over a divisor of the " + std::to_string(model.vision.grid()) + " patches a side");
  read_feature_layer(checkpoint, -1, model);
  model.visual_token = read_placeholder(checkpoint, {"image_token_id"}, 151667, model.text.vocabulary);
  return model;
}

const Family kInternVl = frame_family<read_internvl>(
    "internvl", "InternVL3: InternViT, pixel shuffle, two-layer projector behind a norm", kLlavaNames, prompt,
    group);

}  // namespace vtok
