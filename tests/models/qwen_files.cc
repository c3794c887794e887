// Qwen2-VL, Qwen2.5-VL and Qwen3-VL folders: every layout is one model and one space, each kind of broken folder gives one sentence.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/error.h"
#include "models/families/qwen_vl.h"
#include "models/llm.h"
#include "scratch.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

static std::string open_refusal(const Scratch &scratch) {
  return refusal([&] {
    const auto checkpoint = open_checkpoint(scratch.folder());
    describe_encoder(*checkpoint);
    check_llm(*checkpoint);
  });
}

static std::string with(const std::string &name, const char *part, const std::string &key, const json &value) {
  const Scratch scratch(name);
  scratch.edit("config.json", [&](json &c) {
    json &object = *part ? c[part] : c;
    if (value == "absent")
      object.erase(key);
    else
      object[key] = value;
  });
  return open_refusal(scratch);
}

TEST_CASE("names and settings of several releases are one model") {
  for (const std::string name : {"qwen2_5_vl", "qwen2_vl"}) {
    CAPTURE(name);
    const Scratch scratch(name);
    const std::string space = describe_encoder(*open_checkpoint(scratch.folder())).space;
    CHECK(space.starts_with(name + "@"));
    scratch.edit_tensors([](OwnedTensors &tensors) {  // releases 4.52 to 4.57
      OwnedTensors renamed;
      for (auto &[old, tensor] : tensors)
        renamed[old.starts_with("visual.") ? "model." + old : "model.language_" + old] = tensor;
      tensors = renamed;
    });
    scratch.edit("config.json", [](json &c) {  // and public checkpoints
      const json text = c["text_config"];
      c.erase("text_config");
      for (const auto &[key, value] : text.items())
        if (key != "model_type" && key != "rope_parameters") c[key] = value;
      c["rope_theta"] = text["rope_parameters"]["rope_theta"];
      c["rope_scaling"] = {{"type", "mrope"}, {"mrope_section", text["rope_parameters"]["mrope_section"]}};
    });
    CHECK(open_refusal(scratch) == "none");
    const auto again = open_checkpoint(scratch.folder());
    CHECK(describe_encoder(*again).space == space);
    const QwenVlConfig config = read_qwen_vl(*again);
    CHECK(config.text.rope_theta == 1e6);
    CHECK(config.text.rope_axes == std::vector<uint8_t>{0, 0, 1, 1, 1, 2, 2, 2});
    CHECK(config.text.tied);
    CHECK(config.min_pixels == 1024);
    CHECK(config.max_pixels == 2880);
    CHECK(config.end_tokens == std::vector<int>{602, 600});
  }
  const QwenVlConfig third = read_qwen_vl(*open_checkpoint(std::string(VTOK_GOLDEN) + "/qwen3_vl-odd/checkpoint"));
  CHECK(third.vision.positions == 7);
  CHECK(third.vision.levels == std::vector<int>{1});
  CHECK(third.text.rope_axes == std::vector<uint8_t>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0});
  CHECK(third.text.head == 20);
  CHECK(third.text.qk_norm);
  CHECK_FALSE(third.text.qkv_bias);
  const QwenVlConfig odd =
      read_qwen_vl(*open_checkpoint(std::string(VTOK_GOLDEN) + "/qwen2_5_vl-odd/checkpoint"));
  CHECK(odd.min_pixels == 1024);  // from min_pixels
  CHECK(odd.max_pixels == 2880);
  CHECK(odd.vision.window == 2);
  CHECK(odd.vision.whole == std::vector<bool>{true, false});
  CHECK(odd.tokens_per_second == 5);
  CHECK_FALSE(odd.text.tied);
}

TEST_CASE("frames are resized to whole units within the limits") {
  QwenVlConfig config;  // patches of 14, units of 28
  const auto size = [&](int width, int height) {
    const FrameSize s = resized(config, width, height);
    return std::vector<int>{s.width, s.height};
  };
  CHECK(size(640, 480) == std::vector<int>{644, 476});
  CHECK(size(1920, 1080) == std::vector<int>{1008, 560});  // too many pixels: shrunk, sides cut to units
  CHECK(size(64, 48) == std::vector<int>{392, 280});       // too few: grown, sides brought up to units
  CHECK(size(420, 406) == std::vector<int>{420, 392});     // 14.5 units: half to even
  CHECK(size(420, 434) == std::vector<int>{420, 448});     // 15.5
  CHECK_THROWS_AS(size(2100, 10), BadTokens);
  config.vision.positions = 48;  // Qwen3-VL: the limits count both frames, and a short side is brought to a unit first
  CHECK(size(1920, 1080) == std::vector<int>{728, 392});
  CHECK(size(640, 480) == std::vector<int>{616, 448});
  config.min_pixels = 1;
  CHECK(size(100, 10) == std::vector<int>{280, 28});
}

TEST_CASE("a broken folder gets one clear sentence") {
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "num_heads", 3), Contains("num_heads is 3, expected heads of a multiple of 4"));
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "out_hidden_size", 65),
             Contains("out_hidden_size is 65, expected the language model's hidden_size 64"));
  CHECK_THAT(with("qwen2_vl", "vision_config", "hidden_size", 65), Contains("the language model's hidden_size 64"));
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "temporal_patch_size", 3), Contains("temporal_patch_size is 3, expected 2"));
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "patch_size", 7), Contains("patch_size is 6, expected the vision tower's 7"));
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "fullatt_block_indexes", "x"), Contains("expected numbers of layers"));
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "model_type", "clip"), Contains("expected \"qwen2_5_vl_vision\""));
  CHECK_THAT(with("qwen2_5_vl", "vision_config", "depth", 4), Contains("12 tensors are missing (visual.blocks.3."));
  CHECK_THAT(with("qwen2_5_vl", "text_config", "num_hidden_layers", 1), Contains("12 tensors are not expected ("));
  CHECK_THAT(with("qwen2_5_vl", "text_config", "rope_parameters", {{"rope_type", "yarn"}}), Contains("rope_type is \"yarn\""));
  CHECK_THAT(with("qwen2_5_vl", "text_config", "rope_parameters", {{"mrope_section", {2, 3, 4}}}),
             Contains("mrope_section is [2,3,4], expected three numbers whose sum is half a head, 8"));
  CHECK_THAT(with("qwen2_5_vl", "text_config", "rope_parameters", json::object()), Contains("mrope_section is null"));
  CHECK_THAT(with("qwen2_5_vl", "text_config", "model_type", "qwen2"), Contains("model_type is \"qwen2\", expected"));
  CHECK_THAT(with("qwen2_5_vl", "", "video_token_id", 616), Contains("an id below vocab_size 616"));
  CHECK_THAT(with("qwen2_5_vl", "", "video_token_id", 610), Contains("no added token has config.json's id 610"));
  CHECK_THAT(with("qwen3_vl", "vision_config", "deepstack_visual_indexes", {1, 0}), Contains("expected layers of the 3, in order"));
  CHECK_THAT(with("qwen3_vl", "vision_config", "num_position_embeddings", 24), Contains("is 24, expected the square of a number"));
  CHECK_THAT(with("qwen3_vl", "vision_config", "deepstack_visual_indexes", {0, 1, 2}),
             Contains("6 tensors are missing (visual.deepstack_merger_list.2."));
  CHECK_THAT(with("qwen3_vl", "", "vision_end_token_id", 616), Contains("vision_end_token_id is 616, expected an id below"));
  const Scratch scratch("qwen2_vl");
  scratch.edit_tensors([](OwnedTensors &t) { t["visual.merger.mlp.0.bias"].shape = {8, 16}; });
  CHECK_THAT(open_refusal(scratch), Contains("visual.merger.mlp.0.bias has [8, 16], expected [128]"));
}
