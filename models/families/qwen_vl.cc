// Qwen2-VL, Qwen2.5-VL and Qwen3-VL: pictures of any size in pairs, a vision tower with rotary positions, M-RoPE.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/qwen_vl.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

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

/// Hugging Face's own numbers, where the file names none.
QwenTowerConfig absent_tower(const std::string &family) {
  if (family == "qwen2_5_vl")
    return {.hidden = 3584, .intermediate = 3420, .gated = true, .activation = Activation::kSilu};
  if (family == "qwen3_vl")
    return {.hidden = 1152, .intermediate = 4304, .layers = 27, .patch = 16, .positions = 48, .levels = {8, 16, 24},
            .activation = Activation::kGeluTanh};
  return {};
}

/// Learned positions and levels, which are Qwen3-VL's.
void read_levels(const Section &file, QwenTowerConfig &config) {
  const int places = file.whole("num_position_embeddings", config.positions * config.positions, 1, 1 << 20);
  config.positions = int(std::lround(std::sqrt(double(places))));
  if (config.positions * config.positions != places) file.refuse("num_position_embeddings", "the square of a number");
  const json &layers = file.at("deepstack_visual_indexes");
  if (layers.is_null()) return;
  config.levels.clear();
  for (const json &layer : layers) {
    const int after = config.levels.empty() ? -1 : config.levels.back();
    if (!layer.is_number_integer() || layer <= after || layer >= config.layers)
      file.refuse("deepstack_visual_indexes", "layers of the " + std::to_string(config.layers) + ", in order");
    config.levels.push_back(layer.get<int>());
  }
}

void read_tower(const Section &file, const std::string &family, QwenTowerConfig &config) {
  constexpr int kMost = 1 << 17;
  config = absent_tower(family);
  const bool gated = config.gated, sized = family != "qwen2_vl";  // the width of the tower and of its tokens have names of their own
  const json &type = file.at("model_type");
  if (!type.is_null() && type != family && type != family + "_vision")
    file.refuse("model_type", json(family + "_vision").dump());
  config.hidden = file.whole(sized ? "hidden_size" : "embed_dim", config.hidden, 1, kMost);
  config.out = file.whole(sized ? "out_hidden_size" : "hidden_size", config.out, 1, kMost);
  config.intermediate = sized ? file.whole("intermediate_size", config.intermediate, 1, kMost)
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
  if (config.positions) read_levels(file, config);
  if (!gated) return;
  const int unit = config.patch * config.merge;
  config.window = file.whole("window_size", 112, unit, 1 << 20) / unit;
  if (!config.window) file.refuse("window_size", "at least the " + std::to_string(unit) + " pixels of a token");
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
  for (const auto &[name, value] : {std::pair{"hidden", vision.hidden}, {"intermediate", vision.intermediate},
                                    {"layers", vision.layers}, {"heads", vision.heads}, {"patch", vision.patch},
                                    {"merge", vision.merge}, {"window", vision.window},
                                    {"activation", int(vision.activation)}, {"filter", int(config.video.filter)}})
    settings.whole(name, value);
  for (const bool whole : vision.whole) settings.whole("whole", whole);
  for (const int level : vision.levels) settings.whole("level", level);
  settings.real("rope-theta", vision.rope_theta);
  settings.whole("min-pixels", config.min_pixels);
  settings.whole("max-pixels", config.max_pixels);
  settings.real("rescale", config.video.rescale);
  for (const double mean : config.video.mean) settings.real("mean", mean);
  for (const double std : config.video.std) settings.real("std", std);
  return space_of(checkpoint, settings, {"visual.merger.", "visual.patch_embed.", "visual.deepstack_merger_list."});
}

EncoderInfo describe(const Checkpoint &checkpoint) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  check_tensors(checkpoint, tower_tensors(config.vision), kVision, kKnown);
  const int unit = config.vision.patch * config.vision.merge;
  EncoderInfo info{space(checkpoint, config), config.text.hidden, 0, 0};
  info.frames = 2;
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
  info.positions = {true, config.tokens_per_second, config.text.context - 1};
  info.levels = 1 + int(config.vision.levels.size());
  return info;
}

void check_language(const Checkpoint &checkpoint) {
  check_tensors(checkpoint, text_tensors(read_qwen_vl(checkpoint).text), kLanguage, kKnown);
}

std::vector<Segment> prompt(const Checkpoint &checkpoint, const Request &request) {
  return around_video(checkpoint, request, read_qwen_vl(checkpoint).video_token, {});
}

struct FrameRange {
  int first, count;
  int64_t time;
};
std::vector<FrameRange> frames_of(const Group &group) {
  std::vector<FrameRange> frames;
  int first = 0;
  for (size_t p = 0; p < group.parts.size(); ++p) {
    const Tokens &part = group.parts[p];
    const int64_t start = p < group.starts.size() ? group.starts[p] : group.from;
    for (int i = 0; i < part.n; ++i) {
      const int64_t time = start + (size_t(i) < part.records.size() ? part.records[size_t(i)].time : 0);
      if (i && frames.back().time == time)
        ++frames.back().count;
      else
        frames.push_back({first + i, 1, time});
    }
    first += part.n;
  }
  return frames;
}

/// Qwen3-VL tells the time of each step in the text before it: the mean of its frames', in seconds.
std::vector<Segment> spoken_group(const Checkpoint &checkpoint, const GroupPtr &group, bool timestamps) {
  const QwenVlConfig config = read_qwen_vl(checkpoint);
  std::vector<Segment> pieces;
  if (timestamps) pieces.push_back(text_segment(checkpoint, timestamp_text(group->from, group->to)));
  for (const FrameRange &step : frames_of(*group)) {
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

QwenVlConfig read_qwen_vl(const Checkpoint &checkpoint) {
  const Section file(checkpoint.config, checkpoint.folder + "/config.json");
  const std::string &family = checkpoint.family;
  QwenVlConfig config;
  read_tower(file.section("vision_config"), family, config.vision);
  const json settings = text_settings(checkpoint);
  const Section text(settings, checkpoint.folder + "/config.json: text_config");
  config.text = read_text(text, (family + "_text").c_str());
  config.text.tied = config.text.tied || file.truth("tie_word_embeddings", false);
  if (config.vision.out != config.text.hidden)
    file.section("vision_config")
        .refuse(family == "qwen2_vl" ? "hidden_size" : "out_hidden_size",
                "the language model's hidden_size " + std::to_string(config.text.hidden));
  if (config.text.rope_axes.empty())
    text.refuse("model_type", json(family + "_text").dump());
  if (int(config.vision.levels.size()) > config.text.layers)
    file.section("vision_config").refuse("deepstack_visual_indexes", "at most as many as the language model has layers, " +
                                                                         std::to_string(config.text.layers));
  if (config.vision.gated) config.tokens_per_second = file.section("vision_config").number("tokens_per_second", 4);
  for (const auto &[key, id] : {std::pair{"video_token_id", &config.video_token},
                                {"vision_start_token_id", &config.vision_start},
                                {"vision_end_token_id", &config.vision_end}}) {
    *id = file.whole(key, *id, 0, 1 << 24);
    if (*id >= config.text.vocabulary) file.refuse(key, "an id below vocab_size " + std::to_string(config.text.vocabulary));
  }
  const Section processor(checkpoint.video_processor, checkpoint.folder + ": the video processor");
  if (config.vision.positions) {
    config.min_pixels = 131072, config.max_pixels = 786432;
    for (double *numbers : {config.video.mean, config.video.std}) std::fill(numbers, numbers + 3, 0.5);
  }
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
  const double unit = config.vision.patch * config.vision.merge;
  double frames = 1;  // that the limits count
  if (config.vision.positions) {
    frames = 2;
    if (std::min(width, height) < unit) {
      const double grow = std::max(unit / width, unit / height);
      width = int(width * grow), height = int(height * grow);
    }
  }
  const double area = frames * width * height;
  const auto whole = [&](double units) { return std::max(units, 1.0) * unit; };
  // nearbyint rounds halves to even, as Python's round() does.
  double w = std::nearbyint(width / unit) * unit, h = std::nearbyint(height / unit) * unit;
  if (frames * w * h > double(config.max_pixels)) {
    const double shrink = std::sqrt(area / double(config.max_pixels));
    w = whole(std::floor(width / shrink / unit)), h = whole(std::floor(height / shrink / unit));
  } else if (frames * w * h < double(config.min_pixels)) {
    const double grow = std::sqrt(double(config.min_pixels) / area);
    w = std::ceil(width * grow / unit) * unit, h = std::ceil(height * grow / unit) * unit;
  }
  return {int(w), int(h)};
}

extern const Family kQwen2Vl, kQwen25Vl, kQwen3Vl;  // models/family.cc names them

const Family kQwen25Vl = {"qwen2_5_vl", "Qwen2.5-VL: frames of any size in pairs, window attention, M-RoPE", kRenames,
                          describe, language, check_language, prompt, timed_group};
const Family kQwen3Vl = {"qwen3_vl", "Qwen3-VL: frames of any size in pairs, deepstack levels, M-RoPE, times in words", kRenames,
                         describe, language, check_language, prompt, spoken_group};
const Family kQwen2Vl = {"qwen2_vl", "Qwen2-VL: frames of any size in pairs, M-RoPE", kRenames,
                         describe, language, check_language, prompt, timed_group};

}  // namespace vtok
