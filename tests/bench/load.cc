// How fast a checkpoint of LLaVA-OneVision-0.5B's shapes loads beside a plain read of its file from the page cache, in bytes that
// the weights have once they are loaded, and the most memory that takes. Every load has a process of its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <c10/core/InferenceMode.h>
#include <fcntl.h>
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "models/decoder.h"
#include "models/encoders/frames.h"
#include "models/family.h"
#include "tests/bench/floor.h"
#include "tests/bench/peer.h"

using namespace vtok;

namespace {

struct Row {
  const char *name;  // bfloat16 is the file's own type: what needs no change stays where the file is mapped
  Placement placement;
};
const Row kRows[] = {{"bfloat16", {.type = Type::kBfloat16}},
                     {"float32", {.type = Type::kFloat32}},
                     {"int8", {.type = Type::kBfloat16, .quantization = Quantization::kInt8}},
                     {"int4", {.type = Type::kBfloat16, .quantization = Quantization::kInt4}}};

/// A figure of /proc/self/status, in bytes.
double memory(const std::string &what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(what + ":")) return std::stod(line.substr(what.size() + 1)) * 1024;
  throw std::runtime_error("/proc/self/status has no " + what);
}

/// Seconds of read() into memory that nobody has touched.
double read_file(const std::string &path) {
  const size_t size = std::filesystem::file_size(path);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::unique_ptr<char, decltype(&free)> into(static_cast<char *>(malloc(size)), free);
  const double time = bench::seconds([&] {
    for (size_t at = 0; at < size;) {
      const ssize_t n = read(file, into.get() + at, size - at);
      if (n <= 0) throw std::runtime_error("cannot read " + path);
      at += size_t(n);
    }
  });
  close(file);
  return time;
}

/// In its own process: prints seconds and the most memory over that of the process before, with a frame, some rows and a step read.
void load(const std::string &folder, const Placement &placement) {
  const c10::InferenceMode guard;
  at::linear(at::ones({64, 64}), at::ones({64, 64}));
  const double before = memory("VmRSS");
  std::shared_ptr<const Checkpoint> checkpoint;
  std::unique_ptr<FrameEncoder> encoder;
  std::unique_ptr<Decoder> decoder;
  const double time = bench::seconds([&] {
    checkpoint = open_checkpoint(folder);
    encoder = std::make_unique<FrameEncoder>(checkpoint, placement, Progress());
    Weights weights(checkpoint, placement, {}, {"language_model."});
    decoder = std::make_unique<Decoder>(weights, family_of(*checkpoint).language(*checkpoint).text);
  });
  const double held = memory("VmRSS") - before;
  const std::vector<uint8_t> rgb(384 * 384 * 3, 100);
  const Picture picture{rgb.data(), 384, 384, 384 * 3};
  encoder->encode({&picture, 1});
  KvSequence sequence;
  decoder->read(at::zeros({16, decoder->config().hidden}), {{&sequence, 16}});
  decoder->step({1}, {&sequence}, {16});
  printf("%.6f %.0f %.0f\n", time, held, memory("VmHWM") - before);
}

struct Loaded {
  double seconds, held, peak;
};

Loaded once(const char *self, const char *row) {
  FILE *child = popen((std::string(self) + " " + row).c_str(), "r");
  Loaded out{};
  if (!child || fscanf(child, "%lf %lf %lf", &out.seconds, &out.held, &out.peak) != 3 || pclose(child) != 0)
    throw std::runtime_error(std::string("the child gave up at: ") + row);
  return out;
}

/// The second of two runs: the first may have to wait for whoever lends this machine its memory.
Loaded in_child(const char *self, const char *row) {
  once(self, row);
  return once(self, row);
}

}  // namespace

int main(int argc, char **argv) {
  const std::string folder = bench::checkpoint(), file = folder + "/model.safetensors";
  if (argc > 1 && argv[1] == std::string("read")) return printf("%.6f 0 0\n", read_file(file)), 0;
  for (const Row &row : kRows)
    if (argc > 1 && argv[1] == std::string(row.name)) return load(folder, row.placement), 0;
  const int rounds = argc > 1 ? atoi(argv[1]) : 4;
  bench::Least floor, seconds[std::size(kRows)], held[std::size(kRows)];
  double peak[std::size(kRows)] = {};
  for (int i = 0; i < rounds; ++i) {
    floor.take(in_child(argv[0], "read").seconds);
    for (size_t r = 0; r < std::size(kRows); ++r) {
      const Loaded loaded = in_child(argv[0], kRows[r].name);
      seconds[r].take(loaded.seconds), held[r].take(loaded.held), peak[r] = std::max(peak[r], loaded.peak);
    }
  }
  const double bytes = double(std::filesystem::file_size(file));
  for (size_t r = 0; r < std::size(kRows); ++r) {
    const double weights = kRows[r].placement.type == Type::kFloat32 ? 2 * bytes : bytes;
    printf("{\"name\": \"load.%s\", \"value\": %.4g, \"unit\": \"GB/s\", \"floor\": %.4g}\n", kRows[r].name,
           weights / seconds[r].value / 1e9, bytes / floor.value / 1e9);
    printf("{\"name\": \"load_over_page_cache.%s\", \"value\": %.3g, \"unit\": \"x\", \"floor\": 1}\n", kRows[r].name,
           weights / bytes * floor.value / seconds[r].value);
    printf("{\"name\": \"load_held_over_weights.%s\", \"value\": %.3g, \"unit\": \"x\", \"floor\": 1}\n", kRows[r].name,
           held[r].value / weights);
    printf("{\"name\": \"load_peak_over_weights.%s\", \"value\": %.3g, \"unit\": \"x\", \"floor\": 1}\n", kRows[r].name,
           peak[r] / weights);
  }
}
