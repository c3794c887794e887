// A Hugging Face checkpoint folder, opened and checked but not loaded: tensors are mapped into memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/checkpoint.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>

#include "models/families/exported.h"
#include "models/family.h"
#include "models/installation.h"
#include "models/json.h"
#include "models/tokenizer_file.h"

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

/// Folders whose weights are not whole: an adapter's, or numbers in a format of their own.
void refuse_adapter(const fs::path &folder) {
  if (!fs::exists(folder / "adapter_config.json")) return;
  const json adapter = read_json_object((folder / "adapter_config.json").string());
  const auto text = [&](const char *key) {
    const auto found = adapter.find(key);
    return found != adapter.end() && found->is_string() ? found->get<std::string>() : std::string("unknown");
  };
  throw std::runtime_error("the folder " + folder.string() + " holds an adapter (" + text("peft_type") +
                           " for " + text("base_model_name_or_path") +
                           "), expected whole weights: merge it into its base model");
}

void refuse_quantized(const json &config, const std::string &name) {
  for (const char *part : {"text_config", "vision_config"})
    if (config.contains(part) && config[part].is_object()) refuse_quantized(config[part], name + ": " + part);
  const auto found = config.find("quantization_config");
  if (found == config.end() || found->is_null()) return;
  std::string method = "an unnamed method";
  if (found->is_object())
    for (const char *key : {"quant_method", "quant_type"})
      if (found->contains(key) && (*found)[key].is_string()) {
        method = (*found)[key].get<std::string>();
        break;
      }
  throw std::runtime_error(
      name + " has a quantization_config: weights quantised by " + method +
      " are not read, expected F32, BF16 or F16 (quantization=int8 and int4 make fewer bits of these)");
}

std::shared_ptr<const Checkpoint> read_checkpoint(const fs::path &folder) {
  if (is_exported(folder.string())) return open_exported(folder.string());
  refuse_adapter(folder);
  if (!fs::exists(folder / "config.json"))
    throw std::runtime_error("the folder " + folder.string() +
                             " has no config.json, expected a Hugging Face checkpoint, or encoder.json beside an exported encoder");
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->folder = folder.string();
  checkpoint->config = read_json_object((folder / "config.json").string());
  modernize(checkpoint->config);
  refuse_quantized(checkpoint->config, (folder / "config.json").string());
  const auto family = checkpoint->config.find("model_type");
  if (family == checkpoint->config.end() || !family->is_string())
    throw std::runtime_error((folder / "config.json").string() + " has no model_type");
  checkpoint->family = family->get<std::string>();
  if (checkpoint->family == kExported)
    throw std::runtime_error((folder / "config.json").string() + " has model_type \"exported\", expected encoder.json in its place");
  const Family &known = check_family(checkpoint->family);
  const json processor = read_optional(folder / "processor_config.json");
  const json tokenizer_config = read_optional(folder / "tokenizer_config.json");
  checkpoint->video_processor = read_video_processor(folder, processor);
  checkpoint->generation = read_optional(folder / "generation_config.json");
  checkpoint->chat_template = read_chat_template(folder, processor, tokenizer_config);
  checkpoint->special_tokens = read_special_tokens(tokenizer_config);
  checkpoint->tokenizer = read_tokenizer(folder, tokenizer_config, checkpoint->family);
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
