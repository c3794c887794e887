// The reference cases of tests/golden as the model tests read them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/encoder.h"
#include "tests/npy.h"

namespace vtok::test {

/// One case: a checkpoint's folder and the folder with what the reference computed from it.
struct Case {
  const char *checkpoint, *folder;
  std::string path(const char *file) const { return std::string(VTOK_GOLDEN) + "/" + folder + "/" + file; }
  std::shared_ptr<const Checkpoint> open() const {
    return open_checkpoint(std::string(VTOK_GOLDEN) + "/" + checkpoint + "/checkpoint");
  }
  nlohmann::json facts() const { return nlohmann::json::parse(read_bytes(path("case.json"))); }
  at::Tensor array(const char *name) const {  // float32 or int32
    const Array a = read_npy(path(name) + ".npy");
    const std::vector<int64_t> shape(a.shape.begin(), a.shape.end());
    return at::from_blob(const_cast<char *>(a.bytes.data()), shape, a.type == "<f4" ? at::kFloat : at::kInt)
        .clone();
  }
  std::vector<int> ids(const char *name) const {
    const at::Tensor a = array(name);
    return {a.data_ptr<int>(), a.data_ptr<int>() + a.numel()};
  }
};

inline constexpr Case kCases[] = {{"llava-onevision", "llava-onevision/case-a"},
                                  {"llava-onevision", "llava-onevision/case-b"},
                                  {"llava-onevision-hub", "llava-onevision/case-a"},
                                  {"llava-onevision-hub", "llava-onevision/case-b"},
                                  {"llava-onevision-odd", "llava-onevision-odd/case-a"}};

/// The case's frames; `bytes` holds them.
inline std::vector<Picture> pictures(const Case &c, std::string &bytes) {
  const nlohmann::json facts = c.facts();
  const int width = facts["width"], height = facts["height"], count = facts["count"];
  bytes = read_bytes(c.path("frames.rgb"));
  std::vector<Picture> out;
  for (int i = 0; i < count; ++i)
    out.push_back({reinterpret_cast<const uint8_t *>(bytes.data()) + size_t(i) * width * height * 3, width,
                   height, width * 3});
  return out;
}

/// Greatest absolute difference; infinite where shapes differ or a number is NaN.
inline double worst(const at::Tensor &a, const at::Tensor &b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  const double difference = (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
  return std::isnan(difference) ? INFINITY : difference;
}

/// The numbers of some host tokens as one float32 tensor [frames, n, dim].
inline at::Tensor stacked(const std::vector<Tokens> &frames) {
  std::vector<at::Tensor> out;
  for (const Tokens &tokens : frames) {
    const Tokens wide = to_float32(tokens);
    out.push_back(at::from_blob(const_cast<void *>(wide.data.get()), {wide.n, wide.dim}, at::kFloat).clone());
  }
  return at::stack(out);
}

}  // namespace vtok::test
