// The shipped model against transformers, which loads the same folder as it stands.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/encoders/frames.h"
#include "models/llms/torch.h"
#include "tests/models/golden.h"

using namespace vtok;

TEST_CASE("the shipped model answers about a real clip as in transformers") {
  const test::Case c{"", "tiny"};
  const auto checkpoint = open_checkpoint("tiny");
  std::string bytes;
  auto group = std::make_shared<Group>();
  group->parts = FrameEncoder(checkpoint, {.type = Type::kFloat32}, {}).encode(test::pictures(c, bytes));
  group->closed = true;
  TorchLlm llm(checkpoint, {.type = Type::kFloat32}, {});
  const nlohmann::json asked = c.facts()["asked"];
  REQUIRE(asked.size() == 5);
  for (size_t i = 0; i < asked.size(); ++i) {
    const auto number = "-" + std::to_string(i);
    Request r;
    r.question = asked[i]["question"];
    r.groups = {group};
    r.timestamps = false;
    CAPTURE(r.question);
    const std::vector<Segment> segments = build_prompt(*checkpoint, r);
    CHECK(test::ids_of(segments, family_of(*checkpoint).language(*checkpoint).visual_token) == c.ids(("input_ids" + number).c_str()));
    CHECK(test::worst(llm.score(segments, {})[0], c.array(("logits" + number).c_str())) < 1e-4);
    CHECK(llm.ask(r, nullptr).text == asked[i]["text"].get<std::string>());
  }
}
