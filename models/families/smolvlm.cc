// SmolVLM2: SigLIP with its last norm, squares of patches side by side, one product, Llama.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>

#include "models/frame_model.h"
#include "models/number_words.h"
#include "models/prompt.h"
#include "models/section.h"

namespace vtok {
namespace {

constexpr Rename kRenames[] = {
    {"model.vision_model.", "vision_tower."},
    {"model.connector.modality_projection.proj.", "multi_modal_projector.linear_1."},
    {"model.text_model.", "language_model.model."},
    {"lm_head.", "language_model.lm_head."}};
/// HF's processor takes this for a conversation with a video, whatever the checkpoint's template is.
const std::string kVideoTemplate =
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if "
    "message['content'][0]['type'] == "
    "'image' %}{{':'}}{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == "
    "'text' %}"
    "{{line['text']}}{% elif line['type'] == 'image' %}{{ '<image>' }}{% elif line['type'] == 'video' %}{{ "
    "'<video>' }}"
    "{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' "
    "}}{% endif %}";
constexpr int64_t kSecond = 1'000'000'000;

/// "0:02:05", with days "1 day, 0:02:05".
std::string duration_text(int64_t seconds) {
  const long long days = seconds / 86400, rest = seconds % 86400;
  char text[64];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", rest / 3600, rest / 60 % 60, rest % 60);
  return (days ? std::to_string(days) + (days == 1 ? " day, " : " days, ") : "") + text;
}

std::string frame_text(const FrameRange &frame, const std::string &placeholder) {
  const long long seconds = std::max<int64_t>(frame.time, 0) / kSecond;
  char time[48];
  std::snprintf(time, sizeof time, "\nFrame from %02lld:%02lld:", seconds / 60, seconds % 60);
  return time + ("<fake_token_around_image><global-img>" + placeholder) + "<fake_token_around_image>";
}

/// Times belong to this family's prompt, so frames have them anyway. With timestamps, groups have theirs too,
/// and the sentence that counts the frames is left out: a prompt's beginning then stays as it is when frames
/// come.
std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  const int placeholder = read_smolvlm(checkpoint).visual_token;
  const std::vector<FrameRange> frames = frames_of(request.groups);
  if (frames.empty())
    return with_frames(checkpoint, render_chat(checkpoint, request, {}), placeholder, frames);
  std::string video;
  if (!request.timestamps)
    video = "You are provided the following series of " + number_words(int64_t(frames.size())) +
            " frames from a " + duration_text(std::max<int64_t>(request.groups.back()->to, 0) / kSecond) +
            " [H:MM:SS] video.\n";
  const Group *group = nullptr;
  for (const FrameRange &frame : frames) {
    if (request.timestamps && frame.group.get() != group)
      video += "\n" + timestamp_text(frame.group->from, frame.group->to);
    group = frame.group.get();
    video += frame_text(frame, checkpoint.tokenizer->bytes(placeholder));
  }
  return with_frames(checkpoint, render_video(checkpoint, request, kVideoTemplate, video + "\n\n"),
                     placeholder, frames);
}

std::vector<Segment> group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps) {
  return framed_group(checkpoint, group, timestamps,
                      [](const FrameRange &frame) { return frame_text(frame, ""); });
}

}  // namespace

FrameModel read_smolvlm(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  FrameModel model = read_frame_model(checkpoint, {"smolvlm_vision"}, nullptr, "llama");
  model.projector.two = model.projector.bias = false;
  model.shuffle = file.whole("scale_factor", 2, 1, 64);
  if (model.vision.grid() % model.shuffle)
    file.refuse("scale_factor",
                "a divisor of the " + std::to_string(model.vision.grid()) + " patches a side");
  model.visual_token = read_placeholder(checkpoint, {"image_token_id"}, 128257, model.text.vocabulary);
  return model;
}

const Family kSmolVlm = frame_family<read_smolvlm>(
    "smolvlm", "SmolVLM2: SigLIP, pixel shuffle, one product; times between frames", kRenames, prompt, group);

}  // namespace vtok
