// What a checkpoint's JSON files say, as numbers with names: each read once, its range checked.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Absent values are those of Hugging Face transformers.
#include "models/config.h"

#include <algorithm>
#include <string_view>

#include "models/section.h"

namespace vtok {
namespace {

using nlohmann::json;

constexpr int kWidth = 1 << 17, kLayers = 1024,
              kHeads = 1024;  // far above any model; their products stay in 64 bits

/// Hugging Face's own numbers for a kind of language model, where config.json names none.
struct TextKind {
  const char *name;  // model_type
  TextConfig absent;
  int context_seen = 0;          // sliding_window where it is absent; 0: every position is seen
  bool three_positions = false;  // M-RoPE
};
const TextConfig kQwenVl = {.hidden = 8192,
                            .intermediate = 29568,
                            .layers = 80,
                            .heads = 64,
                            .key_value_heads = 8,
                            .rms_norm_eps = 1e-5};
const TextKind kTextKinds[] = {
    {"qwen2", {}},
    {"qwen3", {.qkv_bias = false, .qk_norm = true}},
    {"llama",
     {.vocabulary = 32000, .intermediate = 11008, .key_value_heads = 0, .context = 2048, .qkv_bias = false}},
    {"mistral",
     {.vocabulary = 32000, .intermediate = 14336, .key_value_heads = 8, .context = 131072, .qkv_bias = false},
     4096},
    {"qwen2_vl_text", kQwenVl, 0, true},
    {"qwen2_5_vl_text", kQwenVl, 0, true},
    {"qwen3_vl_text",
     {.context = 128000, .rope_theta = 5e5, .qkv_bias = false, .qk_norm = true},
     0,
     true},
};

/// The same for vision towers.
struct VisionKind {
  const char *name;
  VisionConfig absent;
};
VisionConfig intern_vit() {
  VisionConfig config{.kind = VisionConfig::kInternVit,
                      .hidden = 1024,
                      .intermediate = 4096,
                      .layers = 24,
                      .heads = 16,
                      .image_size = 448,
                      .patch = 14,
                      .activation = Activation::kGelu};
  config.class_token = config.layer_scale = true;
  return config;
}
VisionConfig smolvlm() {
  VisionConfig config{.kind = VisionConfig::kSmolVlm, .hidden = 1152, .heads = 16, .patch = 32};
  config.final_norm = true;
  return config;
}
const VisionKind kVisionKinds[] = {{"siglip_vision_model", {}},
                                   {"clip_vision_model", clip_tower()},
                                   {"internvl_vision", intern_vit()},
                                   {"smolvlm_vision", smolvlm()}};

const TextKind &text_kind(const Section &file, const char *absent) {
  const json &type = file.at("model_type").is_null() ? json(absent) : file.at("model_type");
  std::string names;
  for (const TextKind &kind : kTextKinds) {
    if (type == kind.name) return kind;
    names += (names.empty() ? "" : ", ") + std::string(kind.name);
  }
  file.refuse("model_type", "one of " + names);
}

/// Attention sees every position, or a window that holds the whole context.
void read_window(const Section &file, const TextKind &kind, const TextConfig &config) {
  file.only("use_sliding_window", false);
  if (kind.context_seen) {  // Mistral: a window where it is not null
    const int window = file.has("sliding_window") && file.at("sliding_window").is_null()
                           ? config.context
                           : file.whole("sliding_window", kind.context_seen, 1, 1 << 30);
    if (window < config.context)
      file.refuse("sliding_window",
                  "null or at least max_position_embeddings " + std::to_string(config.context));
  }
  if (!file.at("layer_types").is_null())
    for (const auto &type : file.at("layer_types"))
      if (type != "full_attention") file.refuse("layer_types", "full_attention for every layer");
}

/// Which position turns each pair of numbers: pairs come in sections, or interleaved (time, row, column,
/// time, ...) as far as the sections of row and column reach, the rest being time's.
std::vector<uint8_t> read_axes(const Section &rope, int pairs) {
  const json &sections = rope.at("mrope_section");
  int sum = 0;
  const bool right = sections.is_array() && sections.size() == 3 &&
                     std::all_of(sections.begin(), sections.end(), [&](const json &n) {
                       return n.is_number_unsigned() && n <= pairs && ((sum += n.get<int>()), true);
                     });
  if (!right || sum != pairs)
    rope.refuse("mrope_section", "three numbers whose sum is half a head, " + std::to_string(pairs));
  std::vector<uint8_t> axes;
  if (rope.truth("mrope_interleaved", false)) {
    axes.resize(size_t(pairs), 0);
    for (uint8_t axis : {uint8_t(1), uint8_t(2)})
      for (int i = axis; i < 3 * sections[axis].get<int>() && i < pairs; i += 3) axes[size_t(i)] = axis;
  } else {
    for (uint8_t axis = 0; axis < 3; ++axis) axes.insert(axes.end(), sections[axis].get<size_t>(), axis);
  }
  return axes;
}

}  // namespace

VisionConfig clip_tower() {
  VisionConfig config{
      .kind = VisionConfig::kClip, .patch = 32, .layer_norm_eps = 1e-5, .activation = Activation::kQuickGelu};
  config.class_token = config.pre_norm = true;
  config.patch_bias = false;
  return config;
}

VisionConfig read_vision(const Section &file, const std::vector<std::string> &kinds,
                         const VisionConfig *absent) {
  const json &type = file.at("model_type").is_null() ? json(kinds.front()) : file.at("model_type");
  if (std::none_of(kinds.begin(), kinds.end(), [&](const std::string &kind) { return type == json(kind); })) {
    std::string names;
    for (const std::string &kind : kinds) names += (names.empty() ? "\"" : " or \"") + kind + "\"";
    file.refuse("model_type", names);
  }
  const auto row = std::find_if(std::begin(kVisionKinds), std::end(kVisionKinds),
                                [&](const VisionKind &kind) { return type == kind.name; });
  VisionConfig config = absent ? *absent : row->absent;
  config.hidden = file.whole("hidden_size", config.hidden, 1, kWidth);
  config.intermediate = file.whole("intermediate_size", config.intermediate, 1, kWidth);
  config.layers = file.whole("num_hidden_layers", config.layers, 1, kLayers);
  config.heads = file.whole("num_attention_heads", config.heads, 1, kHeads);
  file.only("num_channels", 3);
  config.patch = file.side("patch_size", config.patch, 1, 1024);
  config.image_size = file.side("image_size", config.image_size, config.patch, 8192);
  if (config.grid() > 256) file.refuse("image_size", "at most 256 patches a side");
  config.layer_norm_eps = file.number("layer_norm_eps", config.layer_norm_eps);
  config.activation = file.activation("hidden_act", config.activation);
  if (config.hidden % config.heads)
    file.refuse("num_attention_heads", "a divisor of hidden_size " + std::to_string(config.hidden));
  if (config.kind == VisionConfig::kInternVit) {
    config.qkv_bias = file.truth("attention_bias", false);
    config.qk_norm = file.truth("use_qk_norm", false);
    config.final_norm = !file.truth("use_mean_pooling", true);
    const json &norm = file.at("norm_type");
    if (!norm.is_null() && norm != "layer_norm" && norm != "rms_norm")
      file.refuse("norm_type", "layer_norm or rms_norm");
    config.rms_norm = norm == "rms_norm";
    file.only("use_absolute_position_embeddings", true);
    file.only("use_mask_token", false);
  }
  return config;
}

TextConfig read_text(const Section &file, const char *absent) {
  const TextKind &kind = text_kind(file, absent);
  TextConfig config = kind.absent;
  config.vocabulary = file.whole("vocab_size", config.vocabulary, 1, 1 << 24);
  config.hidden = file.whole("hidden_size", config.hidden, 1, kWidth);
  config.intermediate = file.whole("intermediate_size", config.intermediate, 1, kWidth);
  config.layers = file.whole("num_hidden_layers", config.layers, 1, kLayers);
  config.heads = file.whole("num_attention_heads", config.heads, 1, kHeads);
  if (!config.key_value_heads) config.key_value_heads = config.heads;
  config.key_value_heads = file.whole("num_key_value_heads", config.key_value_heads, 1, kHeads);
  config.context = file.whole("max_position_embeddings", config.context, 1, 1 << 30);
  config.rms_norm_eps = file.number("rms_norm_eps", config.rms_norm_eps);
  config.tied = file.truth("tie_word_embeddings", config.tied);
  config.activation = file.activation("hidden_act", config.activation);
  if (file.at("head_dim").is_null() && config.hidden % config.heads)
    file.refuse("num_attention_heads", "a divisor of hidden_size " + std::to_string(config.hidden));
  config.head = file.whole("head_dim", config.hidden / config.heads, 2, 4096);
  if (config.head % 2)
    file.refuse("num_attention_heads", "heads of an even width, found " + std::to_string(config.head));
  if (config.heads % config.key_value_heads)
    file.refuse("num_key_value_heads", "a divisor of num_attention_heads " + std::to_string(config.heads));
  if (config.qk_norm || !config.qkv_bias) {  // Qwen2's are fixed
    config.qkv_bias = file.truth("attention_bias", config.qkv_bias);
    config.out_bias = config.qkv_bias;
  }
  file.only("mlp_bias", false);
  read_window(file, kind, config);
  const Section rope = file.section("rope_parameters");
  const json &scaled = rope.at("rope_type");
  // "dynamic" turns as "default" does up to max_position_embeddings, beyond which nothing is read.
  if (scaled == "linear")
    config.rope_factor = rope.number("factor", config.rope_factor);
  else if (!(kind.three_positions && scaled == "mrope") && !scaled.is_null() && scaled != "default" &&
           scaled != "dynamic")
    rope.refuse("rope_type", "default, linear or dynamic");
  rope.only("partial_rotary_factor", 1.0);
  config.rope_theta = rope.number("rope_theta", config.rope_theta);
  if (kind.three_positions) config.rope_axes = read_axes(rope, config.head / 2);
  return config;
}

std::vector<int> read_end_tokens(const Checkpoint &checkpoint, int vocabulary) {
  const Section generation(checkpoint.generation, checkpoint.folder + "/generation_config.json");
  const Section config(checkpoint.config, checkpoint.folder + "/config.json"),
      text = config.section("text_config");
  for (const Section &file : {generation, config, text}) {
    const json &value = file.at("eos_token_id");
    if (value.is_null()) continue;
    std::vector<int> ids;
    for (const auto &id : value.is_array() ? value : json::array({value})) {
      if (!id.is_number_unsigned() || id >= vocabulary)
        file.refuse("eos_token_id", "ids below vocab_size " + std::to_string(vocabulary));
      ids.push_back(id.get<int>());
    }
    return ids;
  }
  return {};
}

}  // namespace vtok
