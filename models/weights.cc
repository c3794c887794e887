// The tensors a checkpoint must have, and one sentence on those that are missing, extra or wrongly shaped.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/weights.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace vtok {
namespace {

constexpr size_t kNamed = 4;  // how many tensors of a kind an error names

std::string shape_text(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

bool under(std::string_view name, const std::vector<std::string_view> &prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return name.starts_with(prefix); });
}

bool left_alone(std::string_view name) {
  return name.ends_with(".position_ids") || name.ends_with(".inv_freq") ||
         under(name, {"vision_tower.head.", "vision_tower.post_layernorm."});
}

/// "2 tensors are missing (a, b)"; empty where there are none.
std::string sentence(const std::vector<std::string> &names, const char *one, const char *many) {
  if (names.empty()) return "";
  std::string text = std::to_string(names.size()) + (names.size() == 1 ? one : many) + " (";
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i ? "; " : "") + names[i];
  return text + (names.size() > kNamed ? "; ...)" : ")");
}

}  // namespace

std::vector<ExpectedTensor> text_tensors(const TextConfig &text) {
  const int64_t d = text.hidden, inner = text.intermediate, q = int64_t(text.heads) * text.head,
                kv = int64_t(text.key_value_heads) * text.head;
  std::vector<ExpectedTensor> all;
  all.push_back({"language_model.model.embed_tokens.weight", {text.vocabulary, d}});
  for (int i = 0; i < text.layers; ++i) {
    const std::string layer = "language_model.model.layers." + std::to_string(i) + ".";
    all.push_back({layer + "input_layernorm.weight", {d}});
    for (const auto &[name, width] :
         {std::pair{"q_proj", q}, std::pair{"k_proj", kv}, std::pair{"v_proj", kv}}) {
      all.push_back({layer + "self_attn." + name + ".weight", {width, d}});
      if (text.qkv_bias) all.push_back({layer + "self_attn." + name + ".bias", {width}});
    }
    if (text.qk_norm)
      for (const char *name : {"q_norm", "k_norm"})
        all.push_back({layer + "self_attn." + name + ".weight", {text.head}});
    all.push_back({layer + "self_attn.o_proj.weight", {d, q}});
    if (text.out_bias) all.push_back({layer + "self_attn.o_proj.bias", {d}});
    all.push_back({layer + "post_attention_layernorm.weight", {d}});
    all.push_back({layer + "mlp.gate_proj.weight", {inner, d}});
    all.push_back({layer + "mlp.up_proj.weight", {inner, d}});
    all.push_back({layer + "mlp.down_proj.weight", {d, inner}});
  }
  all.push_back({"language_model.model.norm.weight", {d}});
  all.push_back({"language_model.lm_head.weight", {text.vocabulary, d}, text.tied});
  return all;
}

void check_tensors(const Checkpoint &checkpoint, const std::vector<ExpectedTensor> &expected,
                   const std::vector<std::string_view> &prefixes,
                   const std::vector<std::string_view> &known) {
  std::vector<std::string> missing, wrong, extra;
  std::set<std::string_view> names;
  for (const ExpectedTensor &tensor : expected) {
    names.insert(tensor.name);
    const auto found = checkpoint.tensors.tensors.find(tensor.name);
    if (found == checkpoint.tensors.tensors.end()) {
      if (!tensor.optional) missing.push_back(tensor.name);
      continue;
    }
    const TensorView &view = found->second;
    if (view.shape != tensor.shape)
      wrong.push_back(tensor.name + " has " + shape_text(view.shape) + ", expected " +
                      shape_text(tensor.shape));
    else if (view.dtype != "F32" && view.dtype != "BF16" && view.dtype != "F16")
      wrong.push_back(tensor.name + " has type " + view.dtype + ", expected F32, BF16 or F16");
  }
  for (const auto &[name, _] : checkpoint.tensors.tensors)
    if ((under(name, prefixes) || !under(name, known)) && !names.contains(name) && !left_alone(name))
      extra.push_back(name);
  std::string text;
  for (const std::string &part :
       {sentence(missing, " tensor is missing", " tensors are missing"),
        sentence(wrong, " tensor does not fit config.json", " tensors do not fit config.json"),
        sentence(extra, " tensor is not expected", " tensors are not expected")})
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  if (!text.empty()) throw std::runtime_error(checkpoint.folder + ": " + text);
}

}  // namespace vtok
