// Feeds every file of a folder, each truncation of it and each single-bit flip of its first bytes, to a fuzz target.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
  constexpr size_t kEvery = 2048, kFlipped = 256;  // truncations tried of a long file; bytes whose bits are flipped
  int inputs = 0, files = 0;
  if (argc < 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "%s: no folder of inputs\n", argc < 2 ? "(none given)" : argv[1]);
    return 1;
  }
  for (const auto &entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(in)), {});
    const size_t step = bytes.size() / kEvery + 1;
    for (size_t n = 0; n <= bytes.size(); n += step, inputs++)
      LLVMFuzzerTestOneInput(std::vector<uint8_t>(bytes.begin(), bytes.begin() + n).data(), n);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    for (size_t i = 0; i < std::min(kFlipped, bytes.size()); i++)
      for (int bit = 0; bit < 8; bit += 3, inputs++) {
        bytes[i] ^= 1 << bit;
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        bytes[i] ^= 1 << bit;
      }
    files++;
  }
  std::printf("%d inputs from %d files\n", inputs, files);
  return files ? 0 : 1;
}
