// Tokens a second of the language model at LLaVA-OneVision-0.5B's shapes, beside Hugging Face's, and with weights in fewer bits
// beside its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <c10/core/InferenceMode.h>

#include <cstdlib>

#include "models/decoder.h"
#include "models/family.h"
#include "tests/bench/floor.h"
#include "tests/bench/peer.h"

using namespace vtok;

namespace {

constexpr int kRows = 1024, kSteps = 16;

double weights(const TextConfig &c) {  // of the layers, without embeddings
  const double q = double(c.heads) * c.head, kv = double(c.key_value_heads) * c.head, d = c.hidden;
  return c.layers * (d * (q + 2 * kv) + q * d + 3 * d * c.intermediate);
}

}  // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 4;
  const std::string folder = bench::checkpoint();
  const auto checkpoint = open_checkpoint(folder);
  const TextConfig config = family_of(*checkpoint).language(*checkpoint).text;
  c10::InferenceMode guard;
  Weights source(checkpoint, {.type = Type::kBfloat16}, {}, {"language_model."});
  Decoder model(source, config);
  const auto in_bits = [&](Quantization bits) {
    Weights weights(checkpoint, {.type = Type::kBfloat16, .quantization = bits}, {}, {"language_model."});
    return Decoder(weights, config);
  };
  Decoder eight = in_bits(Quantization::kInt8), four = in_bits(Quantization::kInt4);
  const auto peer = bench::hugging_face(folder);
  const at::Tensor rows = at::randn({kRows, config.hidden}) * 0.02;
  bench::Least read, step, step_eight, step_four, read_peer, step_peer, flop, byte;
  for (int i = 0; i < rounds; ++i) {
    fprintf(stderr, "round %d of %d\n", i + 1, rounds);
    KvSequence cache;
    at::Tensor logits;
    read.take(bench::seconds([&] { logits = model.logits(model.read(rows, {{&cache, kRows}})); }));
    if (peer) read_peer.take(peer->seconds("prefill " + std::to_string(kRows)));
    flop.take(bench::seconds_per_flop());
    for (const auto &[bits, least] : {std::pair{&model, &step}, {&eight, &step_eight}, {&four, &step_four}}) {
      KvSequence own;
      at::Tensor next = bits == &model ? logits : bits->logits(bits->read(rows, {{&own, kRows}}));
      KvSequence &sequence = bits == &model ? cache : own;
      least->take(bench::seconds([&] {
        for (int s = 0; s < kSteps; ++s) next = bits->step({int(next.argmax().item<int64_t>())}, {&sequence}, {sequence.length()});
      }));
    }
    if (peer) step_peer.take(peer->seconds("decode " + std::to_string(kRows) + " " + std::to_string(kSteps)));
    byte.take(bench::seconds_per_byte());
  }
  const double attention =
      2.0 * kRows * kRows * config.heads * config.head * config.layers;  // half of it is masked
  bench::report("prefill", "prefill_over_hf", "tokens/s", kRows, read.value,
                (2 * kRows * weights(config) + attention) * flop.value, read_peer.value);
  const double cached = 2.0 * config.layers * config.key_value_heads * config.head * (kRows + kSteps / 2.0);
  const double bytes = 2 * (weights(config) + double(config.vocabulary) * config.hidden + cached);
  bench::report("decode", "decode_over_hf", "tokens/s", kSteps, step.value, kSteps * bytes * byte.value,
                step_peer.value);
  const auto narrow = [&](double of_layers) {
    return (of_layers + 1. / 32) * weights(config) + (1 + 1. / 32) * double(config.vocabulary) * config.hidden + 2 * cached;
  };
  bench::report("decode, int8", "decode_int8_over_bf16", "tokens/s", kSteps, step_eight.value, kSteps * narrow(1) * byte.value, step.value);
  bench::report("decode, int4", "decode_int4_over_bf16", "tokens/s", kSteps, step_four.value, kSteps * narrow(.5) * byte.value, step.value);
}
