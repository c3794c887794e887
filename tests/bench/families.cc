// Encoding, reading and decoding of every family at a public size's shapes in bfloat16 on the CPU, beside Hugging Face's.
// Needs VTOK_BENCH_PYTHON: the checkpoints are made with transformers (make_family.py), in a temporary folder.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <c10/core/InferenceMode.h>

#include <cstdlib>
#include <filesystem>

#include "models/decoder.h"
#include "models/engine.h"
#include "models/family.h"
#include "tests/bench/floor.h"
#include "tests/bench/peer.h"

using namespace vtok;

extern "C" Engine *vtok_torch_engine(int version);

namespace {

constexpr int kRows = 512, kSteps = 8;
const char *const kFamilies[] = {"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "llava", "llava_next_video", "smolvlm", "internvl"};

class Made {
  std::string folder_;

 public:
  int side, batch;  // pixels; frames
  explicit Made(const std::string &family) {
    char name[] = "/var/tmp/vtok-family-XXXXXX";
    if (!mkdtemp(name)) throw std::runtime_error("no temporary folder");
    folder_ = name;
    const std::string command = bench::python() + " " VTOK_BENCH "/make_family.py " + family + " " + folder_ + " 2>/dev/null";
    FILE *run = popen(command.c_str(), "r");
    if (!run || fscanf(run, "%d %d", &side, &batch) != 2 || pclose(run) != 0) {
      std::filesystem::remove_all(folder_);
      throw std::runtime_error("make_family.py failed for " + family);
    }
  }
  ~Made() { std::filesystem::remove_all(folder_); }
  Made(const Made &) = delete;
  const std::string &folder() const { return folder_; }
};

void report(const char *what, const std::string &family, const char *unit, double work, double ours, double theirs) {
  printf("{\"name\": \"%s.%s\", \"value\": %.4g, \"unit\": \"%s\", \"peer\": %.4g}\n", what, family.c_str(), work / ours, unit,
         work / theirs);
  printf("{\"name\": \"%s_over_hf.%s\", \"value\": %.3g, \"unit\": \"x\", \"peer\": 1}\n", what, family.c_str(), theirs / ours);
  fflush(stdout);
}

void measure(const std::string &family, int rounds) {
  const Made made(family);
  const auto checkpoint = open_checkpoint(made.folder());
  const Placement placement{.type = Type::kBfloat16};
  const auto encoder = vtok_torch_engine(kEngineVersion)->make_encoder(checkpoint, placement, {});
  Weights weights(checkpoint, placement, {}, {"language_model."});
  Decoder model(weights, family_of(*checkpoint).language(*checkpoint).text);
  const auto peer = bench::hugging_face(made.folder());
  const std::vector<uint8_t> rgb(size_t(made.side) * made.side * 3, 100);
  const std::vector<Picture> pictures(size_t(made.batch), Picture{rgb.data(), made.side, made.side, made.side * 3});
  const at::Tensor rows = at::randn({kRows, model.config().hidden}) * 0.02;
  bench::Least encode[2], read[2], step[2];  // ours, theirs
  for (int i = 0; i < rounds; ++i) {
    fprintf(stderr, "%s: round %d of %d\n", family.c_str(), i + 1, rounds);
    encode[0].take(bench::seconds([&] { encoder->encode(pictures); }));
    encode[1].take(peer->seconds("encode " + std::to_string(made.batch)));
    KvSequence sequence;
    at::Tensor logits;
    read[0].take(bench::seconds([&] { logits = model.logits(model.read(rows, {{&sequence, kRows}})); }));
    read[1].take(peer->seconds("prefill " + std::to_string(kRows)));
    step[0].take(bench::seconds([&] {
      for (int s = 0; s < kSteps; ++s)
        logits = model.step({int(logits.argmax().item<int64_t>())}, {&sequence}, {sequence.length()});
    }));
    step[1].take(peer->seconds("decode " + std::to_string(kRows) + " " + std::to_string(kSteps)));
  }
  report("encode", family, "frames/s", made.batch, encode[0].value, encode[1].value);
  report("prefill", family, "tokens/s", kRows, read[0].value, read[1].value);
  report("decode", family, "tokens/s", kSteps, step[0].value, step[1].value);
}

}  // namespace

int main(int argc, char **argv) {
  if (!bench::has_transformers()) return 0;
  const c10::InferenceMode guard;
  const int rounds = argc > 1 ? atoi(argv[1]) : 3;
  const std::vector<std::string> families = argc > 2 ? std::vector<std::string>(argv + 2, argv + argc)
                                                     : std::vector<std::string>(std::begin(kFamilies), std::end(kFamilies));
  for (const std::string &family : families) measure(family, rounds);
}
