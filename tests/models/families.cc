// The families that see a video frame by frame, against Hugging Face: pixels, towers, prompts, logits, greedy
// answers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/encoders/frames.h"
#include "models/llms/torch.h"
#include "models/prompt.h"
#include "tests/models/golden.h"

using namespace vtok;
using test::worst;

namespace {

const test::Case kFamilyCases[] = {{"llava", "llava/case-a"},
                                   {"llava", "llava/case-b"},
                                   {"llava-odd", "llava-odd/case-a"},
                                   {"llava-odd", "llava-odd/case-b"},
                                   {"llava_next_video", "llava_next_video/case-a"},
                                   {"llava_next_video", "llava_next_video/case-b"},
                                   {"llava_next_video-odd", "llava_next_video-odd/case-a"},
                                   {"llava_next_video-odd", "llava_next_video-odd/case-b"},
                                   {"smolvlm", "smolvlm/case-a"},
                                   {"smolvlm", "smolvlm/case-b"},
                                   {"smolvlm-odd", "smolvlm-odd/case-a"},
                                   {"smolvlm-odd", "smolvlm-odd/case-b"},
                                   {"internvl", "internvl/case-a"},
                                   {"internvl", "internvl/case-b"},
                                   {"internvl-odd", "internvl-odd/case-a"},
                                   {"internvl-odd", "internvl-odd/case-b"}};

/// The encoder's stages and what it says of itself.
void check_encoder(const test::Case &c) {
  CAPTURE(c.checkpoint, c.folder);
  FrameEncoder encoder(c.open(), {}, {});
  std::string bytes;
  FrameEncoder::Stages stages;
  const std::vector<Tokens> tokens = encoder.encode(test::pictures(c, bytes), &stages);
  CHECK(worst(stages.pixels, c.array("pixel_values")) <= 1e-6);
  CHECK(worst(stages.vision, c.array("vision")) < 1e-4);
  CHECK(worst(stages.projector, c.array("projector")) < 1e-4);
  CHECK(worst(stages.tokens, c.array("tokens")) < 1e-4);
  CHECK(worst(test::stacked(tokens), c.array("tokens")) < 1e-4);
  const EncoderInfo info = describe_encoder(*c.open());
  CHECK(tokens[0].n == info.grid_width * info.grid_height);
  CHECK(tokens[0].dim == info.hidden_size);
}

}  // namespace

TEST_CASE("pixels and every stage of the encoder are the reference's") {
  for (const test::Case &c : test::kCases) check_encoder(c);
  for (const test::Case &c : kFamilyCases) check_encoder(c);
}

TEST_CASE("prompt ids, logits and greedy answers are the reference's") {
  for (const test::Case &c : kFamilyCases) {
    CAPTURE(c.folder);
    const auto checkpoint = c.open();
    TorchLlm llm(checkpoint, {}, {});
    const Request request = test::request(c, {test::reference_group(c)});
    const std::vector<Segment> prompt = build_prompt(*checkpoint, request);
    CHECK(test::ids_of(prompt, family_of(*checkpoint).language(*checkpoint).visual_token) ==
          c.ids("input_ids"));
    CHECK(worst(llm.score(prompt, {})[0], c.array("logits")) < 2e-4);
    std::string streamed;
    const Answer answer = llm.ask(request, [&](const std::string &piece) { streamed += piece; });
    CHECK(answer.text == c.facts()["text"].get<std::string>());
    CHECK(streamed == answer.text);
    CHECK(llm.answered() == c.ids("generated"));
  }
}

TEST_CASE("from a family's pictures to the answer") {
  for (const test::Case &c : kFamilyCases) {
    CAPTURE(c.folder);
    const auto checkpoint = c.open();
    std::string bytes;
    auto group = std::make_shared<Group>(*test::reference_group(c));
    group->parts = FrameEncoder(checkpoint, {}, {}).encode(test::pictures(c, bytes));
    group->starts.clear();
    for (size_t i = 0; i < group->parts.size(); ++i) group->starts.push_back(test::frame_time(c, int(i)));
    TorchLlm llm(checkpoint, {}, {});
    llm.ask(test::request(c, {group}), nullptr);
    CHECK(llm.answered() == c.ids("generated"));
  }
}

TEST_CASE("bfloat16 and float16 choose the reference's ids nearly always, teacher-forced") {
  for (const Type type : {Type::kBfloat16, Type::kFloat16}) {
    int steps = 0, same = 0;
    for (const test::Case &c : kFamilyCases) {
      CAPTURE(c.folder, type_name(type));
      const auto checkpoint = c.open();
      TorchLlm llm(checkpoint, {.type = type}, {});
      const std::vector<int> ids = c.ids("generated");
      const at::Tensor logits =
          llm.score(build_prompt(*checkpoint, test::request(c, {test::reference_group(c)})), ids);
      CHECK(worst(logits[0], c.array("logits")) > 2e-4);  // or it was float32 that ran
      for (size_t i = 0; i < ids.size(); ++i, ++steps)
        same += logits[int64_t(i)].argmax().item<int>() == ids[i];
    }
    CAPTURE(type_name(type), same, steps);
    CHECK(same >= 0.95 * steps);
  }
}

TEST_CASE("weights in fewer bits answer near the whole ones") {
  for (const test::Case &c : kFamilyCases) {
    const auto checkpoint = c.open();
    if (family_of(*checkpoint).language(*checkpoint).text.hidden % 64) continue;  // a scale is of 64 weights
    CAPTURE(c.folder);
    const std::vector<Segment> prompt =
        build_prompt(*checkpoint, test::request(c, {test::reference_group(c)}));
    const std::vector<int> ids = c.ids("generated");
    const at::Tensor whole = TorchLlm(checkpoint, {}, {}).score(prompt, ids);
    const at::Tensor eight =
        TorchLlm(checkpoint, {.quantization = Quantization::kInt8}, {}).score(prompt, ids);
    CHECK(at::cosine_similarity(whole, eight, 1).min().item<float>() > 0.99f);
    CHECK(worst(whole[1], eight[1]) > 1e-4);  // or it was not int8 that ran
  }
}
