// The space: which tokens may meet. Tokens of one space mean the same to a language model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/space.h"

#include <nettle/sha2.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <span>
#include <stdexcept>
#include <vector>

namespace vtok {
namespace {

class Sha256 {
  sha256_ctx state_;

 public:
  Sha256() { sha256_init(&state_); }
  void add(std::span<const std::byte> data) {
    sha256_update(&state_, data.size(), reinterpret_cast<const uint8_t *>(data.data()));
  }
  void add(const std::string &text) { add(std::as_bytes(std::span(text))); }
  std::string hex(int bytes) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&state_, sizeof digest, digest);
    std::string text;
    for (int i = 0; i < bytes; ++i) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", digest[i]);
      text += two;
    }
    return text;
  }
};

}  // namespace

void SpaceSettings::whole(const char *name, int64_t value) {
  text_ += std::string(name) + "=" + std::to_string(value) + "\n";
}

void SpaceSettings::real(const char *name, double value) {
  uint64_t bits;
  static_assert(sizeof bits == sizeof value);
  std::memcpy(&bits, &value, sizeof bits);
  char text[32];
  std::snprintf(text, sizeof text, "=%016llx\n", static_cast<unsigned long long>(bits));
  text_ += name + std::string(text);
}

void SpaceSettings::word(const char *name, const std::string &value) {
  text_ += std::string(name) + "=" + value + "\n";
}

void SpaceSettings::pixels(const VideoProcessor &video) {
  whole("filter", video.filter);
  whole("width", video.width);
  whole("height", video.height);
  real("rescale", video.rescale);
  for (const double mean : video.mean) real("mean", mean);
  for (const double std : video.std) real("std", std);
}

std::string digest_of_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  Sha256 hash;
  for (std::vector<char> block(1 << 20); file;) {
    file.read(block.data(), std::streamsize(block.size()));
    hash.add(std::as_bytes(std::span(block).first(size_t(file.gcount()))));
  }
  if (!file.eof()) throw std::runtime_error(path + " cannot be read");
  return hash.hex(SHA256_DIGEST_SIZE);
}

std::string space_of(const Checkpoint &checkpoint, const SpaceSettings &settings,
                     const std::vector<std::string_view> &tensors) {
  Sha256 hash;
  hash.add(checkpoint.family + "\n" + settings.text());
  for (const auto &[name, view] : checkpoint.tensors.tensors) {
    const std::string_view whole = name;
    if (std::none_of(tensors.begin(), tensors.end(), [&](auto start) { return whole.starts_with(start); }))
      continue;
    hash.add(name + ":" + view.dtype + "\n");  // its shape follows from the settings
    hash.add(view.data);
  }
  return checkpoint.family + "@" + hash.hex(8);
}

}  // namespace vtok
