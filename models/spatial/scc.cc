// Spatial method `scc`: each connected component of a frame's tokens becomes the mean of its members.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/scc.h"

#include "models/norms.h"

namespace vtok {
namespace {

class Scc : public Spatial {
  const CompressorSettings settings;
  OwnStream own_stream;

 public:
  explicit Scc(const CompressorSettings &s) : settings(s) {}

  Tokens compress(const Tokens &frame, int64_t source) override {
    const auto &stream = own_stream.on(frame);
    const Tokens in = to_float32(frame, stream);
    const Use reading(in, *stream);
    const Keys keys = keys_of(in, stream);
    const Partition parts = scc(keys.rows(), keys.norms.data(), in.n, keys.dim(), settings, source, *stream);
    if (parts.count() == in.n) return frame;

    Tokens out = means_by_label(static_cast<const float *>(in.data.get()), in.dim, parts.labels,
                                parts.count(), stream);
    out.levels = in.levels;
    const bool known = frame.records.size() == size_t(frame.n);
    for (size_t j = 0; j < parts.hubs.size(); j++) {
      if (known) out.records[j] = in.records[size_t(parts.hubs[j])];
      out.records[j].weight = 0;
    }
    for (size_t i = 0; i < parts.labels.size(); i++)
      out.records[size_t(parts.labels[i])].weight += known ? in.records[i].weight : 1;
    return from_float32(out, frame.type, stream);
  }
};

}  // namespace

std::unique_ptr<Spatial> make_spatial_scc(const CompressorSettings &settings) {
  return std::make_unique<Scc>(settings);
}

}  // namespace vtok
