// Folders with an exported encoder: what encoder.json may say, and one sentence for each that is wrong.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/families/exported.h"
#include "models/llm.h"
#include "scratch.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

namespace {

const std::string kGolden = VTOK_GOLDEN;

/// A folder with golden's encoder.json and a file that nobody runs here.
struct Folder : Scratch {
  Folder() : Scratch("") {
    write_text(path("encoder.json"), read_text(kGolden + "/exported-package/encoder.json"));
    write_text(path("encoder.pt2"), "program");
  }
  std::string space() const { return describe_encoder(*open_checkpoint(folder())).space; }
};

std::string with(const char *key, const json &value) {
  const Folder folder;
  folder.edit("encoder.json", [&](json &file) {
    if (value == "absent")
      file.erase(key);
    else
      file[key] = value;
  });
  return refusal([&] { describe_encoder(*open_checkpoint(folder.folder())); });
}

}  // namespace

TEST_CASE("encoder.json says what goes in and what comes out") {
  const Folder folder;
  const auto checkpoint = open_checkpoint(folder.folder());
  const EncoderInfo info = describe_encoder(*checkpoint);
  CHECK(info.hidden_size == 20);
  CHECK(info.grid_width == 4);
  CHECK(info.grid_height == 3);
  CHECK(info.levels == 1);
  CHECK(info.space.starts_with("exported@"));
  const ExportedModel model = read_exported(*checkpoint);
  CHECK(model.program == checkpoint->folder + "/encoder.pt2");
  CHECK(model.video.width == 32);
  CHECK(model.video.height == 24);
  CHECK(model.video.filter == VideoProcessor::kBilinear);
  CHECK(model.batch == 0);
  CHECK(model.type == Type::kFloat32);
  CHECK(with("dtype", "bfloat16") == "none");
  CHECK(with("batch", 4) == "none");
  CHECK(with("grid", 3) == "none");
  CHECK(with("size", {{"shortest_edge", 40}}) != "none");  // without crop_size
}

TEST_CASE("the space tells programs and settings apart, not folders") {
  const Folder one, two;
  const std::string space = one.space();
  CHECK(two.space() == space);
  two.edit("encoder.json", [](json &file) { file["batch"] = 2; });
  CHECK(two.space() == space);  // the same tokens
  two.edit("encoder.json", [](json &file) { file["image_std"][1] = 0.27; });
  CHECK(two.space() != space);
  write_text(one.path("encoder.pt2"), "pro9ram");
  CHECK(one.space() != space);
  one.edit("encoder.json", [](json &file) { file["space"] = "llava_onevision@0123456789abcdef"; });
  CHECK(one.space() == "llava_onevision@0123456789abcdef");
}

TEST_CASE("each wrong setting is refused in a sentence that names it") {
  CHECK_THAT(with("program", "absent"), Contains("encoder.json has no program"));
  for (const json &outside :
       std::vector<json>{"../encoder.pt2", "/etc/passwd", "", ".", "..", "a/b", 3, nullptr})
    CHECK_THAT(with("program", outside), Contains("program"));
  CHECK_THAT(with("program", "other.pt"), Contains("other.pt") && Contains("there is no"));
  for (const char *key : {"size", "grid", "hidden_size"})
    CHECK_THAT(with(key, "absent"), Contains("encoder.json has no " + std::string(key)));
  CHECK_THAT(with("image_mean", "absent"), Contains("has no image_mean and no do_normalize false"));
  CHECK_THAT(with("sise", 3), Contains("has a setting \"sise\", expected some of batch, "));
  CHECK_THAT(with("size", {{"height", 24}}), Contains("size") && Contains("height and width"));
  CHECK_THAT(with("grid", {{"height", 3}}), Contains("grid") && Contains("height and width"));
  CHECK_THAT(with("grid", 0), Contains("grid is 0, expected a whole number from 1 to 1024"));
  CHECK_THAT(with("grid", "3x4"), Contains("grid is \"3x4\""));
  CHECK_THAT(with("hidden_size", -1), Contains("hidden_size is -1"));
  CHECK_THAT(with("batch", 1e9), Contains("batch"));
  CHECK_THAT(with("dtype", "int8"), Contains("dtype is \"int8\", expected float32, bfloat16 or float16"));
  CHECK_THAT(with("resample", 0), Contains("resample"));
  CHECK_THAT(with("image_std", {0.2, 0, 0.2}), Contains("image_std"));
  for (const char *space : {"", "llava", "llava@", "llava@0123", "@0123456789abcdef",
                            "ll ava@0123456789abcdef", "llava@0123456789abcdeF", "llava@0123456789abcdef0"})
    CHECK_THAT(with("space", space), Contains("space is"));
}

TEST_CASE("folders are a checkpoint or an exported encoder") {
  const Folder folder;
  const auto checkpoint = open_checkpoint(folder.folder());
  CHECK_THAT(refusal([&] { check_llm(*checkpoint); }),
             Contains("encoder.json describes an exported encoder, which answers no questions"));
  const Scratch both;
  write_text(both.path("encoder.json"), "{}");
  CHECK_THAT(refusal([&] { open_checkpoint(both.folder()); }),
             Contains("has both config.json and encoder.json"));
  const Scratch other;
  other.edit("config.json", [](json &file) { file["model_type"] = "exported"; });
  CHECK_THAT(refusal([&] { open_checkpoint(other.folder()); }),
             Contains("expected encoder.json in its place"));
  const Scratch broken("");
  for (const char *text : {"", "[]", "{", "null", "{\"program\": \"\\u0000\"}"}) {
    write_text(broken.path("encoder.json"), text);
    CHECK_THAT(refusal([&] { open_checkpoint(broken.folder()); }), Contains("encoder.json"));
  }
}
