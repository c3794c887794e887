// Temporal method `scc`: components over all frames' representatives, into which the sources are merged.
// SPDX-License-Identifier: LGPL-2.1-or-later
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
  CompressorSettings settings;

  // The open group.
  Type type = Type::kFloat32;
  int dim = 0, levels = 1;
  std::vector<float> rows;      // [n, dim]: representatives of all frames
  std::vector<float> firsts;    // [n, dim / levels]: their first levels; empty where there is one level
  std::vector<float> norms;     // [n], of the first levels
  std::vector<Record> records;  // [n]
  struct Material {             // what a frame's share of the merge is made of
    std::optional<Tokens> sources;
    int first, n;  // without sources: these representatives, by weight
  };
  std::vector<Material> frames;
  int64_t source = 0;   // the encoder's tokens
  int64_t emitted = 0;  // tokens sent ahead, in incremental mode

  int count() const { return int(norms.size()); }
  int key() const { return dim / levels; }  // numbers that tokens are compared by
  const float *keys() const { return levels == 1 ? rows.data() : firsts.data(); }

  void check(const Tokens &tokens, const char *what) const {
    if (!frames.empty() && (tokens.dim != dim || tokens.type != type || tokens.levels != levels))
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
  Tokens news(const Tokens &fresh, const Keys &fresh_keys, int64_t source_now) {
    const float *x = fresh_keys.rows();
    CompressorSettings exact = settings;
    exact.epsilon = 0;
    exact.budget = {};
    const Partition parts = scc(x, fresh_keys.norms.data(), fresh.n, key(), exact, fresh.n);
    std::vector<bool> linked(parts.hubs.size(), false);
    if (count() > 0) {
      const Rows block{x, fresh.n};
      std::vector<int> nearest(static_cast<size_t>(fresh.n));
      cpu().nearest({.x = &block,
                     .blocks = 1,
                     .d = key(),
                     .r = keys(),
                     .r_norms = norms.data(),
                     .m = count(),
                     .labels = nearest.data()},
                    nullptr);
      for (size_t i = 0; i < nearest.size(); i++) {
        const size_t j = size_t(nearest[i]);
        const size_t width = size_t(key());
        if (cosine(x + i * width, keys() + j * width, key(), fresh_keys.norms[i], norms[j]) > settings.tau)
          linked[size_t(parts.labels[i])] = true;
      }
    }
    void *memory;
    Tokens means = allocate_tokens(Type::kFloat32, parts.count(), dim, memory);
    means.levels = levels;
    std::vector<uint64_t> members(parts.hubs.size());
    const Rows block{static_cast<const float *>(fresh.data.get()), fresh.n};
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
    const Keys fresh_keys = keys_of(fresh);
    if (fresh.records.size() != size_t(fresh.n)) fresh.records.resize(size_t(fresh.n));
    std::optional<Tokens> sources = frame.sources;
    if (sources) {
      if (sources->dim != frame.tokens.dim || sources->levels != frame.tokens.levels)
        throw BadTokens("sources of " + std::to_string(sources->dim) + " numbers to tokens of " +
                        std::to_string(frame.tokens.dim));
      finite_norms(to_float32(*sources));
      if (sources->records.size() != size_t(sources->n)) sources->records.resize(size_t(sources->n));
    }
    const auto *x = static_cast<const float *>(fresh.data.get());
    type = frame.tokens.type, dim = frame.tokens.dim, levels = frame.tokens.levels;
    Tokens out = settings.incremental ? news(fresh, fresh_keys, source + frame.source) : empty();
    frames.push_back({std::move(sources), count(), fresh.n});
    rows.insert(rows.end(), x, x + size_t(fresh.n) * size_t(dim));
    if (levels > 1)
      firsts.insert(firsts.end(), fresh_keys.rows(), fresh_keys.rows() + size_t(fresh.n) * size_t(key()));
    norms.insert(norms.end(), fresh_keys.norms.begin(), fresh_keys.norms.end());
    records.insert(records.end(), fresh.records.begin(), fresh.records.end());
    source += frame.source;
    return out;
  }

  void set_budget(const Budget &budget) override { settings.budget = budget; }

  Tokens close() override {
    if (count() == 0) {
      Tokens nothing = empty();
      reset();
      return nothing;
    }
    const Partition parts = scc(keys(), norms.data(), count(), key(), settings, source);
    void *memory;
    Tokens out = allocate_tokens(Type::kFloat32, parts.count(), dim, memory);
    out.levels = levels;
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
    merge(out, merged, weights.data());
    for (size_t j = 0; j < parts.hubs.size(); j++) {
      out.records[j] = records[size_t(parts.hubs[j])];
      out.records[j].weight = uint32_t(std::min<uint64_t>(weights[j], UINT32_MAX));
    }
    out = from_float32(out, type);
    reset();
    return out;
  }

  void reset() override {
    rows.clear(), firsts.clear(), norms.clear(), records.clear(), frames.clear();
    source = emitted = 0;
  }

 private:
  // Each representative in `out`, whose numbers are `merged`, becomes (itself + the sum of what is most
  // similar to it) / (count + 1). Without a frame's sources its representatives stand for them, by weight.
  void merge(const Tokens &out, float *merged, uint64_t *weights) const {
    std::vector<Tokens> converted;       // keeps float32 copies and first levels alive
    std::vector<Rows> blocks, compared;  // whole tokens; what they are compared by
    std::vector<uint32_t> weight;
    for (const Material &frame : frames) {
      const Record *record = records.data() + frame.first;
      int n = frame.n;
      if (frame.sources) {
        const Tokens whole = to_float32(*frame.sources), level = first_level(whole);
        record = frame.sources->records.data();
        n = whole.n;
        blocks.push_back({static_cast<const float *>(whole.data.get()), n});
        compared.push_back({static_cast<const float *>(level.data.get()), n});
        converted.insert(converted.end(), {whole, level});
      } else {
        blocks.push_back({rows.data() + size_t(frame.first) * size_t(dim), n});
        compared.push_back({keys() + size_t(frame.first) * size_t(key()), n});
      }
      for (int i = 0; i < n; i++) weight.push_back(record[i].weight);
    }
    std::vector<int> labels(weight.size());
    const int count_of_blocks = int(blocks.size());
    {
      const Tokens level = first_level(out);
      const auto *r = static_cast<const float *>(level.data.get());
      std::vector<float> lengths(size_t(out.n));
      cpu().norms({.x = r, .n = out.n, .d = key(), .out = lengths.data()}, nullptr);
      cpu().nearest({.x = compared.data(),
                     .blocks = count_of_blocks,
                     .d = key(),
                     .r = r,
                     .r_norms = lengths.data(),
                     .m = out.n,
                     .labels = labels.data()},
                    nullptr);
    }
    cpu().means({.x = blocks.data(),
                 .blocks = count_of_blocks,
                 .d = dim,
                 .labels = labels.data(),
                 .weights = weight.data(),
                 .start = merged,
                 .m = out.n,
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
