// The reference cases of tests/golden as the model tests read them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/encoder.h"
#include "models/prompt.h"
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

/// When the case's frame `i` was, ns; two a second where the case does not say.
inline int64_t frame_time(const Case &c, int i) { return int64_t(i * 1e9 / c.facts().value("fps", 2.0)); }

/// The reference's own tokens of all frames as one closed group.
inline GroupPtr reference_group(const Case &c, uint64_t id = 1) {
  auto numbers = std::make_shared<at::Tensor>(c.array("tokens").flatten(0, 1));
  const int frames = c.facts()["count"];
  auto group = std::make_shared<Group>();
  group->id = id;
  group->to = frame_time(c, frames);
  group->closed = true;
  group->starts = {0};
  group->parts.push_back({Type::kFloat32, int(numbers->size(0)), int(numbers->size(1)),
                          std::shared_ptr<const void>(numbers, numbers->data_ptr()),
                          std::vector<Record>(size_t(numbers->size(0)))});
  std::vector<Record> &records = group->parts[0].records;
  for (size_t i = 0; i < records.size(); ++i)
    records[i].time = frame_time(c, int(i / (records.size() / size_t(frames))));
  return group;
}

/// The case's question, asked as the reference was: greedy, 32 ids, no times.
inline Request request(const Case &c, std::vector<GroupPtr> groups) {
  Request r;
  r.question = c.facts()["question"];
  r.groups = std::move(groups);
  r.timestamps = false;
  r.sampling.max_new_tokens = 32;
  return r;
}

/// A prompt's ids, every visual token and newline written as `visual`.
inline std::vector<int> ids_of(const std::vector<Segment> &prompt, int visual) {
  std::vector<int> ids;
  for (const Segment &segment : prompt) {
    ids.insert(ids.end(), segment.ids.begin(), segment.ids.end());
    if (segment.kind != Segment::kText) ids.insert(ids.end(), size_t(segment.size()), visual);
  }
  return ids;
}

}  // namespace vtok::test
