// The LLaVA-OneVision encoder in bfloat16, in batches, while it loads; families.cc has its stages.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <catch2/catch.hpp>

#include "models/encoders/frames.h"
#include "models/error.h"
#include "tests/models/golden.h"

using namespace vtok;
using test::kCases, test::worst;

TEST_CASE("bfloat16 stays close to float32") {
  for (const test::Case &c : kCases) {
    CAPTURE(c.checkpoint, c.folder);
    FrameEncoder encoder(c.open(), {.type = Type::kBfloat16}, {});
    std::string bytes;
    const std::vector<Tokens> tokens = encoder.encode(test::pictures(c, bytes));
    REQUIRE(tokens[0].type == Type::kBfloat16);
    const at::Tensor found = test::stacked(tokens).flatten(0, 1), expected = c.array("tokens").flatten(0, 1);
    CHECK(at::cosine_similarity(found, expected, 1).min().item<float>() > 0.998f);
    CHECK(worst(found, expected) > 1e-4);  // or it was not bfloat16 that ran
  }
}

TEST_CASE("a frame's tokens do not depend on the batch it is in, and say where they lie") {
  const test::Case &c = kCases[4];
  const auto checkpoint = c.open();
  const EncoderInfo info = describe_encoder(*checkpoint);
  FrameEncoder encoder(checkpoint, {}, {});
  std::string bytes;
  const std::vector<Picture> pictures = test::pictures(c, bytes);
  const at::Tensor together = test::stacked(encoder.encode(pictures));
  for (size_t i = 0; i < pictures.size(); ++i) {
    const std::vector<Tokens> alone = encoder.encode({&pictures[i], 1});
    CHECK(worst(test::stacked(alone)[0], together[int64_t(i)]) < 1e-5);
    REQUIRE(alone[0].n == info.grid_width * info.grid_height);
    REQUIRE(alone[0].dim == info.hidden_size);
    REQUIRE(alone[0].records.size() == size_t(alone[0].n));
    for (int t = 0; t < alone[0].n; ++t)
      CHECK(alone[0].records[size_t(t)] ==
            Record{.row = uint16_t(t / info.grid_width), .column = uint16_t(t % info.grid_width)});
  }
  CHECK(encoder.encode({}).empty());
}

TEST_CASE("loading tells how far it is and can be given up") {
  const auto checkpoint = kCases[0].open();
  double last = -1;
  FrameEncoder encoder(checkpoint, {}, [&](double done) {
    CHECK(done >= last);
    last = done;
    return true;
  });
  CHECK(last > 0.9);
  CHECK(last <= 1);
  CHECK_THROWS_AS(FrameEncoder(checkpoint, {}, [](double done) { return done < 0.5; }), Cancelled);
}
