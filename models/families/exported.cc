// Exported encoders: a program of the user's own beside encoder.json, which says what goes in and what comes
// out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/families/exported.h"

#include <filesystem>
#include <set>
#include <stdexcept>

#include "models/family.h"
#include "models/json.h"
#include "models/prompt.h"
#include "models/section.h"
#include "models/space.h"

namespace vtok {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char *kFile = "encoder.json";
constexpr const char *kNeeded[] = {"program", "size", "grid", "hidden_size"};
constexpr const char *kOther[] = {"image_mean", "image_std",  "resample",       "dtype",
                                  "batch",      "space",      "do_resize",      "do_center_crop",
                                  "crop_size",  "do_rescale", "rescale_factor", "do_normalize"};

Section file_of(const Checkpoint &checkpoint) { return {checkpoint.config, checkpoint.folder + "/" + kFile}; }

/// A name that does not lead out of the folder.
std::string program_name(const Section &file) {
  const json &name = file.at("program");
  if (!name.is_string() || name.get_ref<const std::string &>().empty() ||
      fs::path(name.get<std::string>()).filename() != name.get<std::string>() || name == "." || name == "..")
    file.refuse("program", "the name of a file in the same folder");
  return name.get<std::string>();
}

void check_keys(const json &object, const Section &file) {
  std::set<std::string> known;
  for (const char *key : kNeeded) {
    if (file.at(key).is_null()) throw std::runtime_error(file.name() + " has no " + key);
    known.insert(key);
  }
  known.insert(std::begin(kOther), std::end(kOther));
  if (file.truth("do_normalize", true))
    for (const char *key : {"image_mean", "image_std"})
      if (file.at(key).is_null())
        throw std::runtime_error(file.name() + " has no " + key + " and no do_normalize false");
  for (const auto &[key, value] : object.items()) {
    if (known.contains(key)) continue;
    std::string names;
    for (const std::string &name : known) names += (names.empty() ? "" : ", ") + name;
    throw std::runtime_error(file.name() + " has a setting " +
                             json(key).dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 100) +
                             ", expected some of " + names);
  }
}

/// {"height": rows, "width": columns}, or one number for both.
Grid read_grid(const Section &file) {
  constexpr int kMost = 1024;
  if (!file.at("grid").is_object()) {
    const int side = file.whole("grid", 0, 1, kMost);
    return {side, side};
  }
  const Section grid = file.section("grid");
  for (const char *side : {"height", "width"})
    if (grid.at(side).is_null()) file.refuse("grid", "height and width");
  return {grid.whole("width", 0, 1, kMost), grid.whole("height", 0, 1, kMost)};
}

Type read_type(const Section &file) {
  for (const Type type : {Type::kFloat32, Type::kBfloat16, Type::kFloat16})
    if (file.at("dtype") == type_name(type)) return type;
  if (!file.at("dtype").is_null()) file.refuse("dtype", "float32, bfloat16 or float16");
  return Type::kFloat32;
}

std::string read_space(const Section &file) {
  const json &space = file.at("space");
  if (space.is_null()) return "";
  const std::string text = space.is_string() ? space.get<std::string>() : "";
  const size_t at = text.find('@');
  const auto all = [](const std::string &part, const char *letters) {
    return !part.empty() && part.find_first_not_of(letters) == std::string::npos;
  };
  if (text.size() > 64 || at == std::string::npos ||
      !all(text.substr(0, at), "abcdefghijklmnopqrstuvwxyz0123456789_-") || text.size() != at + 17 ||
      !all(text.substr(at + 1), "0123456789abcdef"))
    file.refuse("space",
                "the space of a checkpoint, as vtokenc's caps have it: its model_type, @ and 16 digits of "
                "0-9 and a-f");
  return text;
}

std::string space(const Checkpoint &checkpoint, const ExportedModel &model) {
  if (!model.space.empty()) return model.space;
  SpaceSettings settings;
  settings.pixels(model.video);
  settings.whole("shortest-edge", model.video.shortest);
  settings.whole("columns", model.grid.width);
  settings.whole("rows", model.grid.height);
  settings.whole("hidden", model.hidden);
  settings.whole("type", int(model.type));
  settings.word("program", checkpoint.program);
  return space_of(checkpoint, settings, {});
}

EncoderInfo describe(const Checkpoint &checkpoint) {
  const ExportedModel model = read_exported(checkpoint);
  return {space(checkpoint, model), model.hidden, model.grid.width, model.grid.height};
}

[[noreturn]] void no_language(const Checkpoint &checkpoint) {
  throw std::runtime_error(file_of(checkpoint).name() +
                           " describes an exported encoder, which answers no questions: expected a Hugging "
                           "Face checkpoint with a language model");
}

}  // namespace

bool is_exported(const std::string &folder) {
  if (!fs::exists(fs::path(folder) / kFile)) return false;
  if (fs::exists(fs::path(folder) / "config.json"))
    throw std::runtime_error(
        "the folder " + folder +
        " has both config.json and encoder.json, expected a Hugging Face checkpoint or an exported encoder");
  return true;
}

std::shared_ptr<Checkpoint> open_exported(const std::string &folder) {
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->folder = folder;
  checkpoint->family = kExported;
  checkpoint->config = read_json_object(folder + "/" + kFile);
  const std::string path = read_exported(*checkpoint).program;
  if (!fs::is_regular_file(path))
    file_of(*checkpoint).refuse("program", "the name of a file in the same folder: there is no " + path);
  checkpoint->program = digest_of_file(path);
  return checkpoint;
}

ExportedModel read_exported(const Checkpoint &checkpoint) {
  const Section file = file_of(checkpoint);
  check_keys(checkpoint.config, file);
  ExportedModel model;
  model.program = checkpoint.folder + "/" + program_name(file);
  model.video = read_video(file);
  model.grid = read_grid(file);
  model.hidden = file.whole("hidden_size", 0, 1, 1 << 17);
  model.type = read_type(file);
  model.batch = file.whole("batch", 0, 1, 256);
  model.space = read_space(file);
  return model;
}

extern const Family kExportedEncoder;  // models/family.cc names it

const Family kExportedEncoder = {
    kExported,
    "an encoder's program beside encoder.json: TorchScript or an AOTInductor package",
    {},
    describe,
    [](const Checkpoint &checkpoint) -> LanguageInfo { no_language(checkpoint); },
    [](const Checkpoint &checkpoint) { no_language(checkpoint); },
    [](const Checkpoint &checkpoint, const Request &) -> std::vector<Segment> { no_language(checkpoint); },
    [](const Checkpoint &checkpoint, const GroupPtr &, bool) -> std::vector<Segment> {
      no_language(checkpoint);
    }};

}  // namespace vtok
