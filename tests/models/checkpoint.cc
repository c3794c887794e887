// Checkpoint folders: both layouts give the same model; each kind of broken folder gives one clear sentence.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/checkpoint.h"

#include <catch2/catch.hpp>

#include "models/encoder.h"
#include "models/frame_model.h"
#include "models/installation.h"
#include "models/weights.h"
#include "scratch.h"

using namespace vtok;
using Catch::Contains;
using nlohmann::json;

static std::string open_refusal(const Scratch &scratch) {
  return refusal([&] {
    const auto checkpoint = open_checkpoint(scratch.folder());
    describe_encoder(*checkpoint);
    kLlavaOnevision.check_language(*checkpoint);
  });
}

TEST_CASE("both layouts are one model and one space") {
  const auto today = open_checkpoint(std::string(VTOK_GOLDEN) + "/llava-onevision/checkpoint");
  const auto hub = open_checkpoint(std::string(VTOK_GOLDEN) + "/llava-onevision-hub/checkpoint");
  const EncoderInfo a = describe_encoder(*today), b = describe_encoder(*hub);
  CHECK(a.space == b.space);
  CHECK(a.space.substr(0, 16) == "llava_onevision@");
  CHECK(a.space.size() == 32);
  CHECK(a.hidden_size == 96);
  CHECK(a.grid_width == 3);
  CHECK(a.grid_height == 3);
  CHECK(today->chat_template == hub->chat_template);
  CHECK(today->tensors.tensors.size() == hub->tensors.tensors.size());
  for (const auto &[name, view] : today->tensors.tensors) {
    INFO(name);
    REQUIRE(hub->tensors.tensors.contains(name));
    CHECK(std::equal(view.data.begin(), view.data.end(), hub->tensors.tensors.at(name).data.begin()));
  }
  for (const auto &checkpoint : {today, hub}) {
    const FrameModel config = read_llava_onevision(*checkpoint);
    CHECK(config.vision.layers == 3);
    CHECK(config.layers == 3);
    CHECK(config.vision.activation == Activation::kGeluTanh);
    CHECK(config.projector.activation == Activation::kGelu);
    CHECK(config.text.rope_theta == 1e6);
    CHECK(config.text.rms_norm_eps == 1e-6);
    CHECK(config.text.head == 24);
    CHECK(config.text.tied);
    CHECK(config.video.filter == VideoProcessor::kBicubic);
    CHECK(config.video.mean[2] == 0.5);
    CHECK(config.visual_token == 604);
    CHECK(config.end_tokens == std::vector<int>{602});
    CHECK(checkpoint->config["text_config"]["dtype"] == "float32");
    kLlavaOnevision.check_language(*checkpoint);
  }
  CHECK(open_checkpoint(std::string(VTOK_GOLDEN) + "/../golden/llava-onevision/checkpoint") ==
        today);  // shared
}

TEST_CASE("\"tiny\" is the shipped model, another name is a folder's") {
  const std::string folder = std::filesystem::canonical(VTOK_GOLDEN "/../../models/tiny").string();
  const auto tiny = open_checkpoint("tiny");
  CHECK(tiny->folder == folder);
  CHECK(open_checkpoint(folder) == tiny);
  describe_encoder(*tiny);
  kLlavaOnevision.check_language(*tiny);
  const std::string expected = "', expected a Hugging Face checkpoint or \"tiny\"";
  CHECK(refusal([] { open_checkpoint("tiny2"); }) == "there is no folder 'tiny2" + expected);
  const std::string file = folder + "/config.json";
  CHECK(refusal([&] { open_checkpoint(file); }) == "there is no folder '" + file + expected);
  CHECK_THAT(refusal([] { shipped_model("huge"); }),
             Contains("the shipped model 'huge' is not installed: there is no"));
}

TEST_CASE("values absent from the files are Hugging Face's") {
  const Scratch scratch("llava-onevision-hub");
  scratch.edit("config.json", [](json &config) {
    for (const char *key : {"multimodal_projector_bias", "projector_hidden_act", "vision_feature_layer",
                            "video_token_index", "vision_feature_select_strategy", "tie_word_embeddings"})
      config.erase(key);
    config["text_config"] = {{"model_type", "qwen2"}, {"tie_word_embeddings", true}};
    config["vision_config"] = {{"model_type", "siglip_vision_model"}};
  });
  std::filesystem::remove(scratch.path("video_preprocessor_config.json"));
  scratch.edit("preprocessor_config.json", [](json &processor) {
    processor = {{"image_processor_type", "LlavaOnevisionImageProcessor"},
                 {"size", {{"height", 224}, {"width", 224}}}};
  });
  std::filesystem::remove(scratch.path("generation_config.json"));
  const FrameModel config = read_llava_onevision(*open_checkpoint(scratch.folder()));
  CHECK(config.projector.bias);
  CHECK(config.visual_token == 151647);
  CHECK(config.text.vocabulary == 151936);
  CHECK(config.text.hidden == 4096);
  CHECK(config.text.key_value_heads == 32);
  CHECK(config.text.rope_theta == 10000);
  CHECK(config.text.context == 32768);
  CHECK(config.text.tied);
  CHECK(config.vision.hidden == 768);
  CHECK(config.vision.patch == 16);
  CHECK(config.layers == 12);
  CHECK(config.video.filter == VideoProcessor::kBicubic);
  CHECK(config.video.mean[0] == 0.48145466);
  CHECK(config.video.rescale == 1.0 / 255);
  CHECK(config.end_tokens.empty());
}

TEST_CASE("the space follows what makes the tokens and nothing else") {
  const auto space = [](const Scratch &scratch) {
    return describe_encoder(*open_checkpoint(scratch.folder())).space;
  };
  const Scratch scratch;
  const std::string original = space(scratch);
  SECTION("the language model may change") {
    scratch.edit_tensors([](OwnedTensors &t) { t["language_model.model.norm.weight"].bytes[2] ^= 1; });
    scratch.edit("generation_config.json", [](json &g) { g["temperature"] = 0.5; });
    CHECK(space(scratch) == original);
  }
  SECTION("the projector may not") {
    scratch.edit_tensors([](OwnedTensors &t) { t["multi_modal_projector.linear_2.bias"].bytes[2] ^= 1; });
    CHECK(space(scratch) != original);
  }
  SECTION("nor the newline") {
    scratch.edit_tensors([](OwnedTensors &t) { t["image_newline"].bytes[2] ^= 1; });
    CHECK(space(scratch) != original);
  }
  SECTION("nor the processor") {
    scratch.edit("processor_config.json", [](json &p) { p["video_processor"]["image_mean"][1] = 0.25; });
    CHECK(space(scratch) != original);
  }
  SECTION("nor the activation") {
    scratch.edit("config.json", [](json &c) { c["vision_config"]["hidden_act"] = "gelu"; });
    CHECK(space(scratch) != original);
  }
}

TEST_CASE("names of other releases are brought to today's") {
  const Scratch scratch;
  scratch.edit_tensors([](OwnedTensors &tensors) {
    OwnedTensors renamed;
    for (auto &[name, tensor] : tensors) {
      std::string other = "model." + name;
      if (name.starts_with("language_model.model.")) other = "model.language_model." + name.substr(21);
      if (name.starts_with("vision_tower.")) other = "model.vision_tower.vision_model." + name.substr(13);
      renamed[other] = tensor;
    }
    renamed["lm_head.weight"] = tensors["language_model.model.embed_tokens.weight"];
    renamed["model.vision_tower.vision_model.embeddings.position_ids"] = {"I64", {1}, "01234567"};
    tensors = renamed;
  });
  CHECK(open_refusal(scratch) == "none");
}

TEST_CASE("a broken folder gets one clear sentence") {
  CHECK_THAT(refusal([] { open_checkpoint("/nowhere/at/all"); }),
             Contains("there is no folder '/nowhere/at/all'"));
  const Scratch scratch;
  const auto config = [&](const std::function<void(json &)> &change) { scratch.edit("config.json", change); };
  SECTION("no config") {
    std::filesystem::remove(scratch.path("config.json"));
    CHECK_THAT(open_refusal(scratch), Contains("has no config.json"));
  }
  SECTION("unsupported family") {
    config([](json &c) { c["model_type"] = "llama"; });
    CHECK_THAT(open_refusal(scratch),
               Contains("model_type 'llama' is not supported; there is llava_onevision"));
  }
  SECTION("an adapter") {
    std::filesystem::remove(scratch.path("config.json"));
    write_text(scratch.path("adapter_config.json"),
               R"({"peft_type": "LORA", "base_model_name_or_path": "llava-hf/llava-1.5-7b-hf"})");
    CHECK_THAT(open_refusal(scratch),
               Contains("holds an adapter (LORA for llava-hf/llava-1.5-7b-hf), expected whole weights"));
    write_text(scratch.path("adapter_config.json"), R"({"peft_type": 3})");
    CHECK_THAT(open_refusal(scratch), Contains("an adapter (unknown for unknown)"));
  }
  SECTION("quantised weights") {
    config([](json &c) { c["quantization_config"] = {{"quant_method", "awq"}, {"bits", 4}}; });
    CHECK_THAT(open_refusal(scratch), Contains("config.json has a quantization_config: weights quantised by "
                                               "awq are not read, expected F32, BF16 or F16"));
    config([](json &c) {
      c.erase("quantization_config");
      c["text_config"]["quantization_config"] = {{"load_in_4bit", true}};
    });
    CHECK_THAT(
        open_refusal(scratch),
        Contains(
            "config.json: text_config has a quantization_config: weights quantised by an unnamed method"));
  }
  SECTION("no weights") {
    std::filesystem::remove(scratch.path("model.safetensors"));
    CHECK_THAT(open_refusal(scratch), Contains("neither model.safetensors nor"));
  }
  SECTION("no tokenizer") {
    std::filesystem::remove(scratch.path("tokenizer.json"));
    CHECK_THAT(open_refusal(scratch), Contains("there is no file") && Contains("tokenizer.json"));
  }
  SECTION("no processor") {
    std::filesystem::remove(scratch.path("processor_config.json"));
    CHECK_THAT(open_refusal(scratch), Contains("has no video processor"));
  }
  SECTION("missing tensors") {
    scratch.edit_tensors(
        [](OwnedTensors &t) { t.erase("multi_modal_projector.linear_1.bias"), t.erase("image_newline"); });
    CHECK_THAT(open_refusal(scratch),
               Contains("2 tensors are missing (multi_modal_projector.linear_1.bias; image_newline)"));
  }
  SECTION("many missing tensors") {
    scratch.edit_tensors([](OwnedTensors &t) {
      std::erase_if(t, [](auto &e) { return e.first.starts_with("language_model."); });
    });
    CHECK_THAT(open_refusal(scratch), Contains("38 tensors are missing (") && Contains("; ...)"));
  }
  SECTION("an extra tensor") {
    scratch.edit_tensors([](OwnedTensors &t) { t["vision_tower.extra"] = {"F32", {1}, "0123"}; });
    CHECK_THAT(open_refusal(scratch), Contains("1 tensor is not expected (vision_tower.extra)"));
  }
  SECTION("a tensor of another model") {
    scratch.edit_tensors([](OwnedTensors &t) { t["audio.weight"] = {"F32", {1}, "0123"}; });
    CHECK_THAT(open_refusal(scratch), Contains("1 tensor is not expected (audio.weight)"));
  }
  SECTION("a wrong shape") {
    scratch.edit_tensors([](OwnedTensors &t) { t["image_newline"] = {"F32", {95}, std::string(380, 'x')}; });
    CHECK_THAT(open_refusal(scratch), Contains("image_newline has [95], expected [96]"));
  }
  SECTION("a wrong number type") {
    scratch.edit_tensors([](OwnedTensors &t) { t["image_newline"] = {"I8", {96}, std::string(96, 'x')}; });
    CHECK_THAT(open_refusal(scratch), Contains("image_newline has type I8, expected F32, BF16 or F16"));
  }
  SECTION("no head where it is not tied") {
    config([](json &c) { c["tie_word_embeddings"] = c["text_config"]["tie_word_embeddings"] = false; });
    CHECK_THAT(open_refusal(scratch), Contains("1 tensor is missing (language_model.lm_head.weight)"));
  }
  SECTION("truncated weights") {
    const std::string bytes = read_text(scratch.path("model.safetensors").string());
    write_text(scratch.path("model.safetensors"), bytes.substr(0, bytes.size() - 1));
    CHECK_THAT(open_refusal(scratch), Contains("truncated or corrupt"));
  }
  SECTION("settings out of range") {
    const auto wrong = [&](const char *part, const char *key, const json &value) {
      const Scratch spoiled;
      spoiled.edit("config.json", [&](json &c) { (*part ? c[part] : c)[key] = value; });
      return open_refusal(spoiled);
    };
    CHECK_THAT(wrong("vision_config", "hidden_size", 0),
               Contains("vision_config.hidden_size is 0, expected a whole number from 1"));
    CHECK_THAT(wrong("vision_config", "num_attention_heads", 5), Contains("a divisor of hidden_size 64"));
    CHECK_THAT(wrong("vision_config", "hidden_act", "relu6"),
               Contains("hidden_act is \"relu6\", expected gelu,"));
    CHECK_THAT(wrong("vision_config", "model_type", "clip_vision_model"),
               Contains("expected \"siglip_vision_model\""));
    CHECK_THAT(wrong("vision_config", "image_size", 84),
               Contains("size is {\"height\":70,\"width\":70}, expected the vision tower's 84x84"));
    CHECK_THAT(wrong("text_config", "num_key_value_heads", 3),
               Contains("a divisor of num_attention_heads 4"));
    CHECK_THAT(wrong("text_config", "rope_parameters", json{{"rope_type", "yarn"}}),
               Contains("rope_type is \"yarn\", expected default, linear or dynamic"));
    CHECK_THAT(wrong("text_config", "rope_scaling", json{{"type", "longrope"}, {"factor", 2}}),
               Contains("rope_type is \"longrope\", expected default,"));
    CHECK_THAT(wrong("text_config", "rms_norm_eps", "small"), Contains("expected a number above 0"));
    CHECK_THAT(wrong("text_config", "use_sliding_window", true),
               Contains("use_sliding_window is true, expected false"));
    CHECK_THAT(wrong("", "vision_feature_layer", -9), Contains("vision_feature_layer is -9"));
    CHECK_THAT(wrong("", "vision_feature_select_strategy", "default"), Contains("expected \"full\""));
    CHECK_THAT(wrong("", "video_token_index", 700), Contains("an id below vocab_size 608"));
    CHECK_THAT(wrong("", "text_config", 3), Contains("text_config is number, expected an object"));
  }
}

TEST_CASE("settings that the families of frames refuse") {
  const auto wrong = [](const char *layout, const char *file, const std::function<void(json &)> &change) {
    const Scratch spoiled(layout);
    spoiled.edit(file, change);
    return open_refusal(spoiled);
  };
  CHECK_THAT(
      wrong("llava", "config.json", [](json &c) { c["vision_config"]["model_type"] = "pixtral"; }),
      Contains("model_type is \"pixtral\", expected \"clip_vision_model\" or \"siglip_vision_model\""));
  CHECK_THAT(wrong("llava", "config.json", [](json &c) { c["text_config"]["model_type"] = "gemma"; }),
             Contains("text_config.model_type is \"gemma\", expected one of qwen2,"));
  CHECK_THAT(wrong("llava", "config.json",
                   [](json &c) {
                     c["vision_feature_layer"] = {-2, -5};
                   }),
             Contains("vision_feature_layer is [-2,-5], expected a whole number"));
  CHECK_THAT(wrong("llava", "config.json", [](json &c) { c["vision_feature_select_strategy"] = "full"; }),
             Contains("expected \"default\""));
  CHECK_THAT(wrong("llava", "processor_config.json",
                   [](json &c) {
                     c["image_processor"]["crop_size"] = {{"height", 30}, {"width", 28}};
                   }),
             Contains("crop_size is {\"height\":30,\"width\":28}, expected at most size.shortest_edge 28"));
  CHECK_THAT(wrong("llava", "processor_config.json",
                   [](json &c) {
                     c["image_processor"]["crop_size"] = {{"height", 21}, {"width", 21}};
                   }),
             Contains("expected the vision tower's 28x28"));
  CHECK_THAT(wrong("llava", "processor_config.json",
                   [](json &c) { c["image_processor"]["do_center_crop"] = false; }),
             Contains("do_center_crop is false, expected true"));
  CHECK_THAT(wrong("llava-odd", "config.json", [](json &c) { c["text_config"]["sliding_window"] = 64; }),
             Contains("sliding_window is 64, expected null or at least max_position_embeddings 2048"));
  CHECK_THAT(wrong("llava_next_video", "config.json", [](json &c) { c["spatial_pool_mode"] = "max"; }),
             Contains("spatial_pool_mode is \"max\", expected \"average\""));
  CHECK_THAT(wrong("internvl", "config.json", [](json &c) { c["downsample_ratio"] = 0.3; }),
             Contains("downsample_ratio is 0.3, expected 1 over a divisor of the 4 patches a side"));
  CHECK_THAT(wrong("internvl", "config.json",
                   [](json &c) {
                     c["vision_config"]["image_size"] = {32, 16};
                   }),
             Contains("image_size is [32,16], expected two equal whole numbers"));
  CHECK_THAT(wrong("internvl", "config.json", [](json &c) { c["vision_config"]["norm_type"] = "batch"; }),
             Contains("norm_type is \"batch\", expected layer_norm or rms_norm"));
  CHECK_THAT(wrong("smolvlm", "config.json", [](json &c) { c["scale_factor"] = 3; }),
             Contains("scale_factor is 3, expected a divisor of the 8 patches a side"));
  const Scratch extra("llava");
  extra.edit_tensors([](OwnedTensors &t) {
    t.erase("vision_tower.pre_layrnorm.weight"),
        t["vision_tower.pre_layernorm.weight"] = {"F32", {1}, "0123"};
  });
  CHECK_THAT(open_refusal(extra),
             Contains("1 tensor is missing (vision_tower.pre_layrnorm.weight)") &&
                 Contains("1 tensor is not expected (vision_tower.pre_layernorm.weight)"));
}

TEST_CASE("every truncation of a JSON file is refused or harmless") {
  for (const std::string file : {"config.json", "processor_config.json", "generation_config.json",
                                 "tokenizer_config.json", "tokenizer.json"}) {
    const Scratch scratch;
    const std::string whole = read_text(scratch.path(file).string());
    const size_t end = whole.find_last_of('}');
    for (size_t n = 0; n <= end; n += 1 + end / 97) {
      write_text(scratch.path(file), whole.substr(0, n));
      INFO(file << " cut after " << n << " bytes");
      CHECK_THAT(open_refusal(scratch), Contains(file + " is not valid JSON"));
    }
  }
}

TEST_CASE("added tokens that only tokenizer_config.json lists are recognised") {
  const Scratch scratch("llava-onevision-hub");
  scratch.edit("tokenizer.json", [](json &t) { t["added_tokens"].erase(4); });
  CHECK(open_checkpoint(scratch.folder())->tokenizer->id_of("<video>") == 604);
  const Scratch without("llava-onevision");
  without.edit("tokenizer.json", [](json &t) { t["added_tokens"].erase(4); });
  CHECK(open_checkpoint(without.folder())->tokenizer->id_of("<video>") == -1);
}

TEST_CASE("tokenizer_config.json rules over tokenizer.json as in Hugging Face") {
  const std::string text = "a <image> b";
  const auto ids = [&](const char *layout, const std::function<void(json &)> &change, bool special) {
    const Scratch scratch(layout);
    scratch.edit("tokenizer_config.json", change);
    return open_checkpoint(scratch.folder())->tokenizer->encode(text, special);
  };
  const auto as_it_is = [](json &) {};
  const auto llama = [](json &c) { c["tokenizer_class"] = "LlamaTokenizer", c["legacy"] = false; };
  const auto legacy = [](json &c) { c["tokenizer_class"] = "LlamaTokenizerFast", c["legacy"] = true; };
  // A space before every stretch of text, or before the first alone.
  CHECK(ids("llava", llama, false) == ids("llava", as_it_is, false));  // known to be named wrongly
  const auto file = ids("llava_next_video", as_it_is, false), first = ids("llava_next_video", llama, false);
  CHECK(first != file);
  CHECK(ids("llava_next_video", legacy, false) ==
        first);  // both put none before " b", which begins with a space
  const auto bos = ids(
      "llava", [](json &c) { c["add_bos_token"] = false; }, true);
  CHECK(bos == ids("llava", as_it_is, false));
  auto both = bos;
  both.insert(both.begin(), 1);
  CHECK(ids("llava", as_it_is, true) == both);
  both.push_back(2);
  CHECK(ids(
            "llava", [](json &c) { c["add_bos_token"] = c["add_eos_token"] = true; }, true) == both);
  const Scratch scratch("llava");
  scratch.edit("tokenizer_config.json",
               [](json &c) { c["add_bos_token"] = true, c["bos_token"] = "<begin>"; });
  CHECK_THAT(open_refusal(scratch),
             Contains("has no token <begin>, which tokenizer_config.json names as bos_token"));
}
