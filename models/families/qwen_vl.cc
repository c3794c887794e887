// Qwen2-VL and Qwen2.5-VL: pictures of any size in pairs, a vision tower with rotary positions, M-RoPE.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/qwen_vl.h"

#include <algorithm>
#include <cmath>

#include "models/error.h"
#include "models/prompt.h"
#include "models/section.h"
#include "models/space.h"
#include "models/weights.h"

namespace vtok {
namespace {

using nlohmann::json;

// Releases 4.52 to 4.57 write model.visual. and model.language_model.; those before and after, visual. and model.
constexpr Rename kRenames[] = {{"model.visual.", "visual."},
                               {"model.language_model.", "language_model.model."},
                               {"lm_head.", "language_model.lm_head."},
                               {"model.", "language_model.model."}};
const std::vector<std::string_view> kVision = {"visual."}, kLanguage = {"language_model."},
                                    kKnown = {"visual.", "language_model."};

/// Files of public checkpoints have the language model's settings outside.
json text_settings(const Checkpoint &checkpoint) {
  const auto found = checkpoint.config.find("text_config");
  if (found != checkpoint.config.end() && !found->is_null()) return *found;
  json settings = checkpoint.config;
  settings.erase("model_type");
  return settings;
}

void read_tower(const Section &file, bool gated, QwenTowerConfig &config) {
  constexpr int kMost = 1 << 17;
  config.gated = gated;
  if (gated) config = {.hidden = 3584, .intermediate = 3420, .gated = true, .activation = Activation::kSilu};
  const json &type = file.at("model_type");
  const std::string family = gated ? "qwen2_5_vl" : "qwen2_vl";
  if (!type.is_null() && type != family && type != family + "_vision")
    file.refuse("model_type", json(family + "_vision").dump());
  config.hidden = file.whole(gated ? "hidden_size" : "embed_dim", config.hidden, 1, kMost);
  config.out = file.whole(gated ? "out_hidden_size" : "hidden_size", config.out, 1, kMost);
  config.intermediate = gated ? file.whole("intermediate_size", config.intermediate, 1, kMost)
                              : config.hidden * file.whole("mlp_ratio", 4, 1, 64);
  config.layers = file.whole("depth", config.layers, 1, 1024);
  config.heads = file.whole("num_heads", config.heads, 1, 1024);
  file.only("in_channels", 3);
  file.only("temporal_patch_size", 2);
  config.patch = file.whole("patch_size", config.patch, 1, 1024);
  config.merge = file.whole("spatial_merge_size", config.merge, 1, 64);
  config.activation = file.activation("hidden_act", config.activation);
  const Section rope = file.section("rope_parameters");
  rope.only("rope_type", "axial");
  config.rope_theta = rope.number("rope_theta", config.rope_theta);
  if (config.hidden % config.heads || config.head() % 4)
    file.refuse("num_heads", "heads of a multiple of 4 of hidden_size " + std::to_string(config.hidden));
  if (!gated) return;
  const int unit = config.patch * config.merge;
  config.window = file.whole("window_size", 112, unit, 1 << 20) / unit;
  config.whole.assign(size_t(config.layers), false);
  const json &layers = file.at("fullatt_block_indexes");
  for (const json &layer : layers.is_null() ? json({7, 15, 23, 31}) : layers) {
    if (!layer.is_number_integer()) file.refuse("fullatt_block_indexes", "numbers of layers");
    if (layer >= 0 && layer < config.layers) config.whole[layer.get<size_t>()] = true;
  }
}

void read_size(const Section &file, QwenVlConfig &config) {
  const Section size = file.section("size");
  const auto limit = [&](const char *today, const char *older, int64_t absent) -> int64_t {
    const int fallback = size.whole(today, int(absent), 1, 1 << 30);
    return file.whole(older, fallback, 1, 1 << 30);
  };
  config.min_pixels = limit("shortest_edge", "min_pixels", config.min_pixels);
  config.max_pixels = limit("longest_edge", "max_pixels", config.max_pixels);
  const auto same = [&](const char *key, int expected) {
    if (file.whole(key, expected, 1, 1 << 20) != expected)
      file.refuse(key, "the vision tower's " + std::to_string(expected));
  };
  same("patch_size", config.vision.patch);
  same("merge_size", config.vision.merge);
  same("temporal_patch_size", 2);
}

std::vector<ExpectedTensor> tower_tensors(const QwenTowerConfig &config) {
  const int64_t d = config.hidden, inner = config.intermediate, patch = config.patch,
                unit = d * config.merge * config.merge;
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
    linear(layer + (config.gated ? "mlp.up_proj" : "mlp.fc1"), inner, d);
    linear(layer + (config.gated ? "mlp.down_proj" : "mlp.fc2"), d, inner);
  }
  norm("visual.merger.ln_q");
  linear("visual.merger.mlp.0", unit, unit);
  linear("visual.merger.mlp.2", config.out, unit);
  return all;
}

std::string space(const Checkpoint &checkpoint, const QwenVlConfig &config) {
  const QwenTowerConfig &vision = config.vision;
  SpaceSettings settings;
  for (const auto &[name, value] : {std::pair{"hidden", vision.hidden}, {"intermediate", vision.intermediate},
                                    {"layers", vision.layers}, {"heads", vision.heads}, {"patch", vision.patch},
                                    {"merge", vision.merge}, {"window", vision.window},
                                    {"activation", int(vision.activation)}, {"filter", int(config.video.filter)}})
    settings.whole(name, value);
  for (const bool whole : vision.whole) settings.whole("whole", whole);
  settings.real("rope-theta", vision.rope_theta);
  settings.whole("min-pixels", config.min_pixels);
  settings.whole("max-pixels", config.max_pixels);
  settings.real("rescale", config.video.rescale);
  for (const double mean : config.video.mean) settings.real("mean", mean);
  for (const double std : config.video.std) settings.real("std", std);
  return space_of(checkpoint, settings, {"visual.merger.", "visual.patch_embed."});
}

EncoderInfo describe(const Checkpoint &checkpoint) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  check_tensors(checkpoint, tower_tensors(config.vision), kVision, kKnown);
  const int unit = config.vision.patch * config.vision.merge;
  EncoderInfo info{space(checkpoint, config), config.text.hidden, 0, 0};
  info.frames = 2;
  info.grid_of = [config, unit](int width, int height) {
    const FrameSize size = resized(config, width, height);
    return Grid{size.width / unit, size.height / unit};
  };
  return info;
}

LanguageInfo language(const Checkpoint &checkpoint) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  LanguageInfo info{config.text, config.end_tokens, config.video_token};
  info.positions = {true, config.tokens_per_second, config.text.context - 1};
  return info;
}

void check_language(const Checkpoint &checkpoint) {
  check_tensors(checkpoint, text_tensors(read_qwen_vl(checkpoint).text), kLanguage, kKnown);
}

std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_video(checkpoint, request, read_qwen_vl(checkpoint).video_token, {});
}

}  // namespace

QwenVlConfig read_qwen_vl(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  const bool gated = checkpoint.family == "qwen2_5_vl";
  QwenVlConfig config;
  read_tower(file.section("vision_config"), gated, config.vision);
  const json settings = text_settings(checkpoint);
  const Section text(settings, checkpoint.folder + "/config.json: text_config");
  config.text = read_text(text, gated ? "qwen2_5_vl_text" : "qwen2_vl_text");
  config.text.tied = config.text.tied || file.truth("tie_word_embeddings", false);
  if (config.vision.out != config.text.hidden)
    file.section("vision_config")
        .refuse(gated ? "out_hidden_size" : "hidden_size",
                "the language model's hidden_size " + std::to_string(config.text.hidden));
  if (config.text.rope_axes.empty())
    text.refuse("model_type", gated ? "\"qwen2_5_vl_text\"" : "\"qwen2_vl_text\"");
  if (gated) config.tokens_per_second = file.section("vision_config").number("tokens_per_second", 4);
  config.video_token = file.whole("video_token_id", config.video_token, 0, 1 << 24);
  if (config.video_token >= config.text.vocabulary)
    file.refuse("video_token_id", "an id below vocab_size " + std::to_string(config.text.vocabulary));
  const Section processor(checkpoint.video_processor, checkpoint.folder + ": the video processor");
  processor.only("do_resize", true);
  processor.only("resample", 3);  // bicubic
  read_normalization(processor, config.video);
  read_size(processor, config);
  config.end_tokens = read_end_tokens(checkpoint, config.text.vocabulary);
  return config;
}

FrameSize resized(const QwenVlConfig &config, int width, int height) {
  if (std::max(width, height) > 200.0 * std::min(width, height))
    throw BadTokens("a frame of " + std::to_string(width) + "x" + std::to_string(height) +
                    " is too long for the model: expected sides of which one is at most 200 times the other");
  const double unit = config.vision.patch * config.vision.merge, area = double(width) * height;
  const auto whole = [&](double units) { return std::max(units, 1.0) * unit; };
  // nearbyint rounds halves to even, as Python's round() does.
  double w = std::nearbyint(width / unit) * unit, h = std::nearbyint(height / unit) * unit;
  if (w * h > double(config.max_pixels)) {
    const double shrink = std::sqrt(area / double(config.max_pixels));
    w = whole(std::floor(width / shrink / unit)), h = whole(std::floor(height / shrink / unit));
  } else if (w * h < double(config.min_pixels)) {
    const double grow = std::sqrt(double(config.min_pixels) / area);
    w = std::ceil(width * grow / unit) * unit, h = std::ceil(height * grow / unit) * unit;
  }
  return {int(w), int(h)};
}

extern const Family kQwen2Vl, kQwen25Vl;  // models/family.cc names them

const Family kQwen25Vl = {"qwen2_5_vl", "Qwen2.5-VL: frames of any size in pairs, window attention, M-RoPE", kRenames,
                          describe, language, check_language, prompt, timed_group};
const Family kQwen2Vl = {"qwen2_vl", "Qwen2-VL: frames of any size in pairs, M-RoPE", kRenames,
                         describe, language, check_language, prompt, timed_group};

}  // namespace vtok
