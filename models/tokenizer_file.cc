// tokenizer.json as Hugging Face reads it: with what tokenizer_config.json says over it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/tokenizer_file.h"

#include <set>
#include <stdexcept>

#include "models/json.h"

namespace vtok {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A setting that is true or false; `absent` where it is neither.
bool truth(const json &object, const char *key, bool absent) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() ? found->get<bool>() : absent;
}

/// Where tokenizer_class is LlamaTokenizer, HF takes vocabulary and merges from tokenizer.json and the rest
/// from the class. Not where the model is one whose checkpoints are known to name that class wrongly, or the
/// file is byte-level.
void rebuild_llama(json &file, const json &config, const std::string &family) {
  static const std::set<std::string> kWronglyNamed = {"llava", "smolvlm"};
  const json name = config.value("tokenizer_class", json());
  if ((name != "LlamaTokenizer" && name != "LlamaTokenizerFast") || kWronglyNamed.contains(family)) return;
  for (const char *part : {"pre_tokenizer", "decoder"})
    if (file.contains(part) && file[part].dump().find("\"ByteLevel\"") != std::string::npos) return;
  const bool prefix = truth(config, "add_prefix_space", true);
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = {{"type", "Metaspace"},
                           {"replacement", "▁"},
                           {"prepend_scheme", !prefix                          ? "never"
                                              : truth(config, "legacy", false) ? "always"
                                                                               : "first"},
                           {"split", false}};
  json steps = json::array({{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                            {{"type", "ByteFallback"}},
                            {{"type", "Fuse"}}});
  if (prefix) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  file["decoder"] = {{"type", "Sequence"}, {"decoders", steps}};
  if (file.contains("model") && file["model"].is_object())
    file["model"].update({{"fuse_unk", true}, {"byte_fallback", true}});
}

/// add_bos_token and add_eos_token, where either is there, say what stands around a text, whatever
/// tokenizer.json says.
void frame_by_settings(json &file, const json &config, const std::string &path) {
  if (!config.contains("add_bos_token") && !config.contains("add_eos_token")) return;
  const json special = read_special_tokens(config);
  json single = json::array(), tokens = json::object();
  const auto put = [&](const char *setting, const char *token) {
    if (!truth(config, setting, false) || !special.contains(token)) return;
    const std::string text = special[token];
    json id;
    for (const auto &added : file["added_tokens"])
      if (added.is_object() && added.value("content", json()) == text) id = added.value("id", json());
    const auto model = file.find("model");
    if (id.is_null() && model != file.end() && model->is_object() && model->contains("vocab") &&
        (*model)["vocab"].is_object())
      id = (*model)["vocab"].value(text, json());
    if (!id.is_number_unsigned())
      throw std::runtime_error(path + " has no token " + text + ", which tokenizer_config.json names as " +
                               token);
    tokens[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
    single.push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
  };
  put("add_bos_token", "bos_token");
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  put("add_eos_token", "eos_token");
  file["post_processor"] = {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", tokens}};
}

}  // namespace

json read_special_tokens(const json &tokenizer_config) {
  json tokens = json::object();
  for (const char *name :
       {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}) {
    const auto found = tokenizer_config.find(name);
    if (found == tokenizer_config.end()) continue;
    const json &value = found->is_object() && found->contains("content") ? (*found)["content"] : *found;
    if (value.is_string()) tokens[name] = value;
  }
  return tokens;
}

std::shared_ptr<const Tokenizer> read_tokenizer(const fs::path &folder, const json &tokenizer_config,
                                                const std::string &family) {
  const std::string path = (folder / "tokenizer.json").string();
  json file = read_json_object(path);
  json &added = file["added_tokens"];
  if (added.is_null()) added = json::array();
  std::set<json> ids;
  for (const auto &token : added)
    if (token.is_object() && token.contains("id")) ids.insert(token["id"]);
  const auto decoder = tokenizer_config.find("added_tokens_decoder");
  if (decoder != tokenizer_config.end() && decoder->is_object() && added.is_array()) {
    for (const auto &[id, token] : decoder->items()) {
      if (id.empty() || id.size() > 8 || id.find_first_not_of("0123456789") != std::string::npos ||
          !token.is_object())
        throw std::runtime_error((folder / "tokenizer_config.json").string() +
                                 ": added_tokens_decoder has '" + id + "', expected an id and its token");
      const auto number = uint64_t(std::stoul(id));
      if (ids.contains(json(number))) continue;
      json entry = token;
      entry["id"] = number;
      added.push_back(std::move(entry));
    }
  }
  rebuild_llama(file, tokenizer_config, family);
  frame_by_settings(file, tokenizer_config, path);
  return load_tokenizer(file, path);
}

}  // namespace vtok
