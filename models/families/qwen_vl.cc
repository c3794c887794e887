// Qwen2-VL, Qwen2.5-VL and Qwen3-VL: frames of any size in pairs, positions in time, row and column.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/qwen_vl.h"

#include <cstdio>

#include "models/prompt.h"
#include "models/space.h"
#include "models/weights.h"

namespace vtok {
namespace {

// Releases 4.52 to 4.57 write model.visual. and model.language_model.; those before and after, visual. and
// model.
constexpr Rename kRenames[] = {{"model.visual.", "visual."},
                               {"model.language_model.", "language_model.model."},
                               {"lm_head.", "language_model.lm_head."},
                               {"model.", "language_model.model."}};
constexpr int kStepFrames = 2;  // temporal_patch_size

const std::vector<std::string_view> kVision = {"visual."}, kLanguage = {"language_model."},
                                    kKnown = {"visual.", "language_model."};

std::vector<ExpectedTensor> tower_tensors(const QwenTowerConfig &config) {
  const int64_t d = config.hidden, inner = config.intermediate, patch = config.patch,
                unit = d * config.merge * config.merge;
  const QwenTowerNames names = tower_names(config);
  std::vector<ExpectedTensor> all = {{"visual.patch_embed.proj.weight", {d, 3, 2, patch, patch}}};
  const auto linear = [&](const std::string &name, int64_t to, int64_t from) {
    all.push_back({name + ".weight", {to, from}});
    all.push_back({name + ".bias", {to}});
  };
  const auto norm = [&](const std::string &name) {
    all.push_back({name + ".weight", {d}});
    if (!config.gated) all.push_back({name + ".bias", {d}});
  };
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = "visual.blocks." + std::to_string(i) + ".";
    norm(layer + "norm1");
    linear(layer + "attn.qkv", 3 * d, d);
    linear(layer + "attn.proj", d, d);
    norm(layer + "norm2");
    if (config.gated) linear(layer + "mlp.gate_proj", inner, d);
    linear(layer + "mlp." + names.up, inner, d);
    linear(layer + "mlp." + names.down, d, inner);
  }
  norm(std::string("visual.merger.") + names.norm);
  const auto merger = [&](const std::string &name) {
    linear(name + "." + names.merger1, unit, unit);
    linear(name + "." + names.merger2, config.out, unit);
  };
  merger("visual.merger");
  if (config.positions) {
    all.push_back({"visual.patch_embed.proj.bias", {d}});
    all.push_back({"visual.pos_embed.weight", {config.positions * config.positions, d}});
  }
  for (size_t i = 0; i < config.levels.size(); ++i) {
    const std::string name = "visual.deepstack_merger_list." + std::to_string(i);
    for (const char *part : {".norm.weight", ".norm.bias"}) all.push_back({name + part, {unit}});
    merger(name);
  }
  return all;
}

std::string space(const Checkpoint &checkpoint, const QwenVlConfig &config) {
  const QwenTowerConfig &vision = config.vision;
  SpaceSettings settings;
  for (const auto &[name, value] : {std::pair{"hidden", vision.hidden},
                                    {"intermediate", vision.intermediate},
                                    {"layers", vision.layers},
                                    {"heads", vision.heads},
                                    {"patch", vision.patch},
                                    {"merge", vision.merge},
                                    {"window", vision.window},
                                    {"activation", int(vision.activation)},
                                    {"filter", int(config.video.filter)}})
    settings.whole(name, value);
  for (const bool whole : vision.whole) settings.whole("whole", whole);
  for (const int level : vision.levels) settings.whole("level", level);
  settings.real("rope-theta", vision.rope_theta);
  settings.whole("min-pixels", config.min_pixels);
  settings.whole("max-pixels", config.max_pixels);
  settings.real("rescale", config.video.rescale);
  for (const double mean : config.video.mean) settings.real("mean", mean);
  for (const double std : config.video.std) settings.real("std", std);
  return space_of(checkpoint, settings,
                  {"visual.merger.", "visual.patch_embed.", "visual.deepstack_merger_list."});
}

EncoderInfo describe(const Checkpoint &checkpoint) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  check_tensors(checkpoint, tower_tensors(config.vision), kVision, kKnown);
  const int unit = config.vision.patch * config.vision.merge;
  EncoderInfo info{space(checkpoint, config), config.text.hidden, 0, 0};
  info.frames = kStepFrames;
  info.levels = 1 + int(config.vision.levels.size());
  info.middle = config.vision.positions > 0;
  info.grid_of = [config, unit](int width, int height) {
    const FrameSize size = resized(config, width, height);
    return Grid{size.width / unit, size.height / unit};
  };
  return info;
}

LanguageInfo language(const Checkpoint &checkpoint) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  LanguageInfo info{config.text, config.end_tokens, config.video_token};
  info.positions = {true, config.tokens_per_second, config.text.context - 1, kStepFrames};
  info.levels = 1 + int(config.vision.levels.size());
  return info;
}

void check_language(const Checkpoint &checkpoint) {
  check_tensors(checkpoint, text_tensors(read_qwen_vl(checkpoint).text), kLanguage, kKnown);
}

std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_video(checkpoint, request, read_qwen_vl(checkpoint).video_token, {});
}

/// Qwen3-VL tells the time of each step in the text before it: the mean of its frames', in seconds.
std::vector<Segment> spoken_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  std::vector<Segment> pieces;
  if (timestamps) pieces.push_back(text_segment(checkpoint, timestamp_text(group->from, group->to)));
  for (const FrameRange &step : frames_of({group})) {
    if (!step.count) continue;
    char seconds[48];
    std::snprintf(seconds, sizeof seconds, "<%.1f seconds>", double(step.time) / 1e9);
    Segment text = text_segment(checkpoint, seconds);
    text.ids.push_back(config.vision_start);
    pieces.push_back(std::move(text));
    pieces.push_back({Segment::kVisual, {}, group, step.first, step.count});
    pieces.push_back({Segment::kText, {config.vision_end}, nullptr});
  }
  return pieces;
}

}  // namespace

QwenTowerNames tower_names(const QwenTowerConfig &config) {
  if (config.positions) return {"linear_fc1", "linear_fc2", "norm", "linear_fc1", "linear_fc2"};
  if (config.gated) return {"up_proj", "down_proj", "ln_q", "mlp.0", "mlp.2"};
  return {"fc1", "fc2", "ln_q", "mlp.0", "mlp.2"};
}

extern const Family kQwen2Vl, kQwen25Vl, kQwen3Vl;  // models/family.cc names them

const Family kQwen25Vl = {"qwen2_5_vl", "Qwen2.5-VL: frames of any size in pairs, window attention, M-RoPE",
                          kRenames,     describe,
                          language,     check_language,
                          prompt,       timed_group};
const Family kQwen3Vl = {
    "qwen3_vl", "Qwen3-VL: frames of any size in pairs, deepstack levels, M-RoPE, times in words",
    kRenames,   describe,
    language,   check_language,
    prompt,     spoken_group};
const Family kQwen2Vl = {"qwen2_vl", "Qwen2-VL: frames of any size in pairs, M-RoPE",
                         kRenames,   describe,
                         language,   check_language,
                         prompt,     timed_group};

}  // namespace vtok
