// A Hugging Face checkpoint folder, opened and checked but not loaded: tensors are mapped into memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/checkpoint.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

#include "models/family.h"
#include "models/installation.h"
#include "models/json.h"

namespace vtok {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json read_optional(const fs::path &path) {
  return fs::exists(path) ? read_json_object(path.string()) : json::object();
}

/// Names of releases before 5 brought to today's, in config.json and its sub-configurations.
void modernize(json &config) {
  if (config.contains("torch_dtype")) {
    if (!config.contains("dtype")) config["dtype"] = config["torch_dtype"];
    config.erase("torch_dtype");
  }
  const auto present = [&](const char *key) { return config.contains(key) && !config[key].is_null(); };
  if (present("rope_scaling") || present("rope_theta")) {
    json rope = present("rope_scaling")      ? config["rope_scaling"]
                : present("rope_parameters") ? config["rope_parameters"]
                                             : json::object();
    if (rope.is_object()) {
      if (!rope.contains("rope_type")) rope["rope_type"] = rope.value("type", json("default"));
      if (!rope.contains("rope_theta") && present("rope_theta")) rope["rope_theta"] = config["rope_theta"];
    }
    config["rope_parameters"] = rope;
  }
  config.erase("rope_theta");
  config.erase("rope_scaling");
  for (const char *part : {"text_config", "vision_config"})
    if (present(part) && config[part].is_object()) modernize(config[part]);
}

/// Inside processor_config.json today; in older folders a file of its own; in the oldest the images' settings
/// serve.
json read_video_processor(const fs::path &folder, const json &processor) {
  if (processor.contains("video_processor")) return processor["video_processor"];
  for (const char *name : {"video_preprocessor_config.json", "preprocessor_config.json"})
    if (fs::exists(folder / name)) return read_json_object((folder / name).string());
  if (processor.contains("image_processor")) return processor["image_processor"];
  throw std::runtime_error("the folder " + folder.string() +
                           " has no video processor: expected video_processor in processor_config.json, "
                           "video_preprocessor_config.json or preprocessor_config.json");
}

/// "" where `holder` has none. Several named templates: the one named "default".
std::string template_in(const json &holder) {
  const auto found = holder.find("chat_template");
  if (found == holder.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array())
    for (const auto &entry : *found)
      if (entry.is_object() && entry.value("name", json()) == "default" && entry.contains("template") &&
          entry["template"].is_string())
        return entry["template"].get<std::string>();
  return "";
}

/// In the order in which HF's processor prefers them.
std::string read_chat_template(const fs::path &folder, const json &processor, const json &tokenizer_config) {
  std::string source = template_in(processor);
  if (source.empty()) source = template_in(read_optional(folder / "chat_template.json"));
  if (source.empty() && fs::exists(folder / "chat_template.jinja"))
    source = read_text((folder / "chat_template.jinja").string(), 1 << 20);
  if (source.empty()) source = template_in(tokenizer_config);
  return source;
}

/// tokenizer_config.json writes each as a text or as an object with its content.
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

/// tokenizer.json, with the added tokens that only tokenizer_config.json lists.
std::shared_ptr<const Tokenizer> read_tokenizer(const fs::path &folder, const json &tokenizer_config) {
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
  return load_tokenizer(file, path);
}

/// Today's name of a tensor.
std::string modern_name(std::string name, const Family &family) {
  for (const auto &[from, to] : family.renames)
    if (name.starts_with(from)) name = std::string(to) + name.substr(from.size());
  return name;
}

Safetensors read_tensors(const fs::path &folder, const Family &family) {
  Safetensors tensors = open_safetensors(folder.string());
  std::map<std::string, TensorView> renamed;
  for (auto &[name, view] : tensors.tensors)
    if (!renamed.emplace(modern_name(name, family), std::move(view)).second)
      throw std::runtime_error("the folder " + folder.string() + " has tensor " + modern_name(name, family) +
                               " twice");
  tensors.tensors = std::move(renamed);
  return tensors;
}

std::shared_ptr<const Checkpoint> read_checkpoint(const fs::path &folder) {
  if (!fs::exists(folder / "config.json"))
    throw std::runtime_error("the folder " + folder.string() +
                             " has no config.json, expected a Hugging Face checkpoint");
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->folder = folder.string();
  checkpoint->config = read_json_object((folder / "config.json").string());
  modernize(checkpoint->config);
  const auto family = checkpoint->config.find("model_type");
  if (family == checkpoint->config.end() || !family->is_string())
    throw std::runtime_error((folder / "config.json").string() + " has no model_type");
  checkpoint->family = family->get<std::string>();
  const Family &known = check_family(checkpoint->family);
  const json processor = read_optional(folder / "processor_config.json");
  const json tokenizer_config = read_optional(folder / "tokenizer_config.json");
  checkpoint->video_processor = read_video_processor(folder, processor);
  checkpoint->generation = read_optional(folder / "generation_config.json");
  checkpoint->chat_template = read_chat_template(folder, processor, tokenizer_config);
  checkpoint->special_tokens = read_special_tokens(tokenizer_config);
  checkpoint->tokenizer = read_tokenizer(folder, tokenizer_config);
  checkpoint->tensors = read_tensors(folder, known);
  return checkpoint;
}

}  // namespace

std::shared_ptr<const Checkpoint> open_checkpoint(const std::string &model) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const Checkpoint>> open;
  const std::string folder = model == "tiny" ? shipped_model(model) : model;
  std::error_code failed;
  const fs::path real = fs::canonical(folder, failed);
  if (failed || !fs::is_directory(real))
    throw std::runtime_error("there is no folder '" + folder +
                             "', expected a Hugging Face checkpoint or \"tiny\"");
  const std::lock_guard lock(mutex);
  auto &entry = open[real.string()];
  auto checkpoint = entry.lock();
  if (!checkpoint) entry = checkpoint = read_checkpoint(real);
  return checkpoint;
}

}  // namespace vtok
