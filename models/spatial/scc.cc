// Spatial method `scc`: each connected component of a frame's tokens becomes the mean of its members.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/scc.h"

#include "kernels/kernels.h"
#include "models/norms.h"

namespace vtok {
namespace {

class Scc : public Spatial {
  const CompressorSettings settings;

 public:
  explicit Scc(const CompressorSettings &s) : settings(s) {}

  Tokens compress(const Tokens &frame, int64_t source) override {
    const Tokens in = to_float32(frame);
    const Keys keys = keys_of(in);
    const Partition parts = scc(keys.rows(), keys.norms.data(), in.n, keys.dim(), settings, source);
    if (parts.count() == in.n) return frame;

    void *memory;
    Tokens out = allocate_tokens(Type::kFloat32, parts.count(), in.dim, memory);
    out.levels = in.levels;
    const Rows rows{static_cast<const float *>(in.data.get()), in.n};
    std::vector<uint64_t> counts(parts.hubs.size());
    cpu().means({.x = &rows,
                 .blocks = 1,
                 .d = in.dim,
                 .labels = parts.labels.data(),
                 .m = out.n,
                 .out = static_cast<float *>(memory),
                 .counts = counts.data()},
                nullptr);
    const bool known = frame.records.size() == size_t(frame.n);
    for (size_t j = 0; j < parts.hubs.size(); j++) {
      if (known) out.records[j] = in.records[size_t(parts.hubs[j])];
      out.records[j].weight = 0;
    }
    for (size_t i = 0; i < parts.labels.size(); i++)
      out.records[size_t(parts.labels[i])].weight += known ? in.records[i].weight : 1;
    return from_float32(out, frame.type);
  }
};

}  // namespace

std::unique_ptr<Spatial> make_spatial_scc(const CompressorSettings &settings) {
  return std::make_unique<Scc>(settings);
}

}  // namespace vtok
