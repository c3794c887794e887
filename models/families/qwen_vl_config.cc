// What config.json and the processor's file say of a Qwen-VL checkpoint, and the size a frame gets.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include "models/error.h"
#include "models/families/qwen_vl.h"
#include "models/section.h"

namespace vtok {
namespace {

using nlohmann::json;

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
    return {.hidden = 1152,
            .intermediate = 4304,
            .layers = 27,
            .patch = 16,
            .positions = 48,
            .levels = {8, 16, 24},
            .activation = Activation::kGeluTanh};
  return {};
}

/// Learned positions and levels, which are Qwen3-VL's.
void read_levels(const Section &file, QwenTowerConfig &config) {
  const int places = file.whole("num_position_embeddings", config.positions * config.positions, 1, 1 << 20);
  config.positions = int(std::lround(std::sqrt(double(places))));
  if (config.positions * config.positions != places)
    file.refuse("num_position_embeddings", "the square of a number");
  const json &layers = file.at("deepstack_visual_indexes");
  if (layers.is_null()) return;
  config.levels.clear();
  for (const json &layer : layers) {
    const int after = config.levels.empty() ? -1 : config.levels.back();
    if (!layer.is_number_integer() || layer <= after || layer >= config.layers)
      file.refuse("deepstack_visual_indexes",
                  "layers of the " + std::to_string(config.layers) + ", in order");
    config.levels.push_back(layer.get<int>());
  }
}

void read_tower(const Section &file, const std::string &family, QwenTowerConfig &config) {
  constexpr int kMost = 1 << 17;
  config = absent_tower(family);
  const bool gated = config.gated,
             sized =
                 family != "qwen2_vl";  // the width of the tower and of its tokens have names of their own
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
  if (!config.window)
    file.refuse("window_size", "at least the " + std::to_string(unit) + " pixels of a token");
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

}  // namespace

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
  if (config.text.rope_axes.empty()) text.refuse("model_type", json(family + "_text").dump());
  if (int(config.vision.levels.size()) > config.text.layers)
    file.section("vision_config")
        .refuse("deepstack_visual_indexes",
                "at most as many as the language model has layers, " + std::to_string(config.text.layers));
  if (config.vision.gated)
    config.tokens_per_second = file.section("vision_config").number("tokens_per_second", 4);
  for (const auto &[key, id] : {std::pair{"video_token_id", &config.video_token},
                                {"vision_start_token_id", &config.vision_start},
                                {"vision_end_token_id", &config.vision_end}}) {
    *id = file.whole(key, *id, 0, 1 << 24);
    if (*id >= config.text.vocabulary)
      file.refuse(key, "an id below vocab_size " + std::to_string(config.text.vocabulary));
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

}  // namespace vtok
