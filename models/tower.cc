// Names and shapes of a vision tower's tensors, by the kind of tower.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tower.h"

namespace vtok {
namespace {

constexpr TowerNames kClip = {.patch = "embeddings.patch_embedding",
                              .position = "embeddings.position_embedding.weight",
                              .class_token = "embeddings.class_embedding",
                              .pre_norm = "pre_layrnorm",
                              .final_norm = "post_layernorm",
                              .layers = "encoder.layers.",
                              .norm1 = "layer_norm1",
                              .norm2 = "layer_norm2",
                              .attention = "self_attn.",
                              .out = "out_proj",
                              .scale1 = "",
                              .scale2 = ""};
constexpr TowerNames kInternVit = {.patch = "embeddings.patch_embeddings.projection",
                                   .position = "embeddings.position_embeddings",
                                   .class_token = "embeddings.cls_token",
                                   .pre_norm = "",
                                   .final_norm = "layernorm",
                                   .layers = "encoder.layer.",
                                   .norm1 = "layernorm_before",
                                   .norm2 = "layernorm_after",
                                   .attention = "attention.",
                                   .out = "projection_layer",
                                   .scale1 = "lambda_1",
                                   .scale2 = "lambda_2"};

}  // namespace

const TowerNames &tower_names(VisionConfig::Kind kind) {
  return kind == VisionConfig::kInternVit ? kInternVit : kClip;  // SigLIP's are CLIP's, less the class token
}

std::vector<ExpectedTensor> tower_tensors(const VisionConfig &config) {
  const TowerNames &names = tower_names(config.kind);
  const std::string tower = "vision_tower.";
  const int64_t d = config.hidden, inner = config.intermediate, patch = config.patch;
  std::vector<ExpectedTensor> all;
  const auto linear = [&](const std::string &name, int64_t to, int64_t from, bool bias) {
    all.push_back({name + ".weight", {to, from}});
    if (bias) all.push_back({name + ".bias", {to}});
  };
  const auto norm = [&](const std::string &name, bool bias) {
    all.push_back({name + ".weight", {d}});
    if (bias) all.push_back({name + ".bias", {d}});
  };
  all.push_back({tower + names.patch + ".weight", {d, config.channels, patch, patch}});
  if (config.patch_bias) all.push_back({tower + names.patch + ".bias", {d}});
  all.push_back({tower + names.position, config.position_shape()});
  if (config.class_token) all.push_back({tower + names.class_token, config.class_shape()});
  if (config.pre_norm) norm(tower + names.pre_norm, true);
  if (config.final_norm) norm(tower + names.final_norm, true);
  for (int i = 0; i < config.layers; ++i) {
    const std::string layer = tower + names.layers + std::to_string(i) + ".",
                      attention = layer + names.attention;
    norm(layer + names.norm1, !config.rms_norm);
    norm(layer + names.norm2, !config.rms_norm);
    for (const char *name : {"q_proj", "k_proj", "v_proj"}) linear(attention + name, d, d, config.qkv_bias);
    linear(attention + names.out, d, d, true);
    if (config.qk_norm)
      for (const char *name : {"q_norm", "k_norm"}) norm(attention + name, false);
    if (config.layer_scale)
      for (const char *name : {names.scale1, names.scale2}) all.push_back({layer + name, {d}});
    linear(layer + "mlp.fc1", inner, d, true);
    linear(layer + "mlp.fc2", d, inner, true);
  }
  return all;
}

}  // namespace vtok
