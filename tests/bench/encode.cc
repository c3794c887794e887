// Frames a second of the vision encoder at LLaVA-OneVision-0.5B's shapes in bfloat16, beside Hugging Face's.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>

#include "models/encoders/frames.h"
#include "tests/bench/floor.h"
#include "tests/bench/peer.h"

using namespace vtok;

namespace {

/// Floating-point operations of one frame's products and attention.
double flops(const FrameModel &c) {
  const double n = double(c.vision.grid()) * c.vision.grid(), d = c.vision.hidden, h = c.text.hidden;
  const double layer = 2 * n * (4 * d * d + 2 * d * c.vision.intermediate) + 4 * n * n * d;
  return c.layers * layer + 2 * n * (d * 3 * c.vision.patch * c.vision.patch + d * h + h * h);
}

}  // namespace

int main(int argc, char **argv) {
  const int frames = argc > 1 ? atoi(argv[1]) : 4, rounds = argc > 2 ? atoi(argv[2]) : 4;
  const std::string folder = bench::checkpoint();
  const auto checkpoint = open_checkpoint(folder);
  FrameEncoder encoder(checkpoint, {.type = Type::kBfloat16}, {});
  const auto peer = bench::hugging_face(folder);
  const std::vector<uint8_t> rgb(384 * 384 * 3, 100);
  const std::vector<Picture> pictures(size_t(frames), Picture{rgb.data(), 384, 384, 384 * 3});
  bench::Least ours, theirs, flop;
  for (int i = 0; i < rounds; ++i) {
    fprintf(stderr, "round %d of %d\n", i + 1, rounds);
    ours.take(bench::seconds([&] { encoder.encode(pictures); }));
    if (peer) theirs.take(peer->seconds("encode " + std::to_string(frames)));
    flop.take(bench::seconds_per_flop());
  }
  bench::report("encode", "encode_over_hf", "frames/s", frames, ours.value,
                frames * flops(read_llava_onevision(*checkpoint)) * flop.value, theirs.value);
}
