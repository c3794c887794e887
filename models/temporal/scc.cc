// Temporal method `scc`: connected components over the representatives of all frames of a group; every source
// token of the group is then merged into the most similar of the resulting tokens. SPDX-License-Identifier:
// LGPL-2.1-or-later
#include "models/scc.h"

#include <algorithm>

#include "kernels/cosine.h"
#include "kernels/kernels.h"
#include "models/error.h"
#include "models/norms.h"
#include "models/temporal.h"

namespace vtok {
namespace {

class Scc : public Temporal {
  const CompressorSettings settings;

  // The open group.
  Type type = Type::kFloat32;
  int dim = 0;
  std::vector<float> rows;      // [n, dim]: representatives of all frames
  std::vector<float> norms;     // [n]
  std::vector<Record> records;  // [n]
  struct Material {             // what a frame's share of the merge is made of
    std::optional<Tokens> sources;
    int first, n;  // without sources: these representatives, by weight
  };
  std::vector<Material> frames;
  int64_t source = 0;   // the encoder's tokens
  int64_t emitted = 0;  // tokens sent ahead, in incremental mode

  int count() const { return int(norms.size()); }

  void check(const Tokens &tokens, const char *what) const {
    if (!frames.empty() && (tokens.dim != dim || tokens.type != type))
      throw BadTokens(std::string(what) + " of " + std::to_string(tokens.dim) + " " + type_name(tokens.type) +
                      " numbers in a group of " + std::to_string(dim) + " " + type_name(type));
  }

  Tokens empty() const {
    void *unused;
    return allocate_tokens(type, 0, dim, unused);
  }

  // Components of the newest frame's representatives `fresh` (before they join the group) that nothing before
  // is linked to: token by token the links are those of the whole group, so only a later newcomer can still
  // join two of them.
  Tokens news(const Tokens &fresh, const std::vector<float> &fresh_norms, int64_t source_now) {
    const auto *x = static_cast<const float *>(fresh.data.get());
    CompressorSettings exact = settings;
    exact.epsilon = 0;
    exact.budget = {};
    const Partition parts = scc(x, fresh_norms.data(), fresh.n, dim, exact, fresh.n);
    std::vector<bool> linked(parts.hubs.size(), false);
    if (count() > 0) {
      const Rows block{x, fresh.n};
      std::vector<int> nearest(static_cast<size_t>(fresh.n));
      cpu().nearest({.x = &block,
                     .blocks = 1,
                     .d = dim,
                     .r = rows.data(),
                     .r_norms = norms.data(),
                     .m = count(),
                     .labels = nearest.data()},
                    nullptr);
      for (size_t i = 0; i < nearest.size(); i++) {
        const size_t j = size_t(nearest[i]);
        if (cosine(x + i * size_t(dim), rows.data() + j * size_t(dim), dim, fresh_norms[i], norms[j]) >
            settings.tau)
          linked[size_t(parts.labels[i])] = true;
      }
    }
    void *memory;
    Tokens means = allocate_tokens(Type::kFloat32, parts.count(), dim, memory);
    std::vector<uint64_t> members(parts.hubs.size());
    const Rows block{x, fresh.n};
    cpu().means({.x = &block,
                 .blocks = 1,
                 .d = dim,
                 .labels = parts.labels.data(),
                 .m = means.n,
                 .out = static_cast<float *>(memory),
                 .counts = members.data()},
                nullptr);
    for (size_t j = 0; j < parts.hubs.size(); j++) {
      means.records[j] = fresh.records[size_t(parts.hubs[j])];
      means.records[j].weight = 0;
    }
    for (size_t i = 0; i < parts.labels.size(); i++)
      means.records[size_t(parts.labels[i])].weight += fresh.records[i].weight;

    const int64_t room =
        settings.budget.keep(source_now, INT32_MAX) - emitted;  // a bound holds for what is sent ahead too
    int n = 0;
    auto *out = static_cast<float *>(memory);
    for (int j = 0; j < parts.count() && n < room; j++) {
      if (linked[size_t(j)]) continue;
      std::copy_n(out + size_t(j) * size_t(dim), dim, out + size_t(n) * size_t(dim));
      means.records[size_t(n++)] = means.records[size_t(j)];
    }
    means.n = n;
    means.records.resize(size_t(n));
    emitted += n;
    return from_float32(means, type);
  }

 public:
  explicit Scc(const CompressorSettings &s) : settings(s) {}

  Tokens add(const TemporalInput &frame) override {
    check(frame.tokens, "tokens");
    Tokens fresh = to_float32(frame.tokens);
    const std::vector<float> fresh_norms = finite_norms(fresh);
    if (fresh.records.size() != size_t(fresh.n)) fresh.records.resize(size_t(fresh.n));
    std::optional<Tokens> sources = frame.sources;
    if (sources) {
      if (sources->dim != frame.tokens.dim)
        throw BadTokens("sources of " + std::to_string(sources->dim) + " numbers to tokens of " +
                        std::to_string(frame.tokens.dim));
      finite_norms(to_float32(*sources));
      if (sources->records.size() != size_t(sources->n)) sources->records.resize(size_t(sources->n));
    }
    const auto *x = static_cast<const float *>(fresh.data.get());
    type = frame.tokens.type, dim = frame.tokens.dim;
    Tokens out = settings.incremental ? news(fresh, fresh_norms, source + frame.source) : empty();
    frames.push_back({std::move(sources), count(), fresh.n});
    rows.insert(rows.end(), x, x + size_t(fresh.n) * size_t(dim));
    norms.insert(norms.end(), fresh_norms.begin(), fresh_norms.end());
    records.insert(records.end(), fresh.records.begin(), fresh.records.end());
    source += frame.source;
    return out;
  }

  Tokens close() override {
    if (count() == 0) {
      Tokens nothing = empty();
      reset();
      return nothing;
    }
    const Partition parts = scc(rows.data(), norms.data(), count(), dim, settings, source);
    void *memory;
    Tokens out = allocate_tokens(Type::kFloat32, parts.count(), dim, memory);
    auto *merged = static_cast<float *>(memory);
    std::vector<uint64_t> weights(parts.hubs.size());
    const Rows all{rows.data(), count()};
    cpu().means({.x = &all,
                 .blocks = 1,
                 .d = dim,
                 .labels = parts.labels.data(),
                 .m = out.n,
                 .out = merged,
                 .counts = weights.data()},
                nullptr);
    merge(merged, out.n, weights.data());
    for (size_t j = 0; j < parts.hubs.size(); j++) {
      out.records[j] = records[size_t(parts.hubs[j])];
      out.records[j].weight = uint32_t(std::min<uint64_t>(weights[j], UINT32_MAX));
    }
    out = from_float32(out, type);
    reset();
    return out;
  }

  void reset() override {
    rows.clear(), norms.clear(), records.clear(), frames.clear();
    source = emitted = 0;
  }

 private:
  // merged [m, dim]: representatives, each becomes (itself + the sum of what is most similar to it) / (count
  // + 1). Without a frame's sources its representatives stand for them, by weight.
  void merge(float *merged, int m, uint64_t *weights) const {
    std::vector<Tokens> converted;  // keeps float32 copies alive
    std::vector<Rows> blocks;
    std::vector<uint32_t> weight;
    for (const Material &frame : frames) {
      const Record *record = records.data() + frame.first;
      int n = frame.n;
      if (frame.sources) {
        converted.push_back(to_float32(*frame.sources));
        record = frame.sources->records.data();
        n = frame.sources->n;
        blocks.push_back({static_cast<const float *>(converted.back().data.get()), n});
      } else {
        blocks.push_back({rows.data() + size_t(frame.first) * size_t(dim), n});
      }
      for (int i = 0; i < n; i++) weight.push_back(record[i].weight);
    }
    std::vector<float> lengths(static_cast<size_t>(m));
    cpu().norms({.x = merged, .n = m, .d = dim, .out = lengths.data()}, nullptr);
    std::vector<int> labels(weight.size());
    const int count_of_blocks = int(blocks.size());
    cpu().nearest({.x = blocks.data(),
                   .blocks = count_of_blocks,
                   .d = dim,
                   .r = merged,
                   .r_norms = lengths.data(),
                   .m = m,
                   .labels = labels.data()},
                  nullptr);
    cpu().means({.x = blocks.data(),
                 .blocks = count_of_blocks,
                 .d = dim,
                 .labels = labels.data(),
                 .weights = weight.data(),
                 .start = merged,
                 .m = m,
                 .out = merged,
                 .counts = weights},
                nullptr);
  }
};

}  // namespace

std::unique_ptr<Temporal> make_temporal_scc(const CompressorSettings &settings) {
  return std::make_unique<Scc>(settings);
}

}  // namespace vtok
