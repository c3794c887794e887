// Temporal method `scc`: components over all frames' representatives, into which the sources are merged.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/scc.h"

#include <algorithm>
#include <list>

#include "models/error.h"
#include "models/norms.h"
#include "models/temporal.h"

namespace vtok {
namespace {

/// Numbers on a stream, with room for more.
class Growing {
  std::optional<Array<float>> memory_;
  size_t used_ = 0;

 public:
  float *data() const { return memory_ ? memory_->data() : nullptr; }
  void append(const float *numbers, size_t count, Stream &stream) {
    if (!memory_ || used_ + count > memory_->size()) {
      Array<float> larger(std::max(used_ + count, 2 * used_), stream);
      stream.copy(larger.data(), data(), used_ * sizeof(float));
      memory_ = std::move(larger);
    }
    stream.copy(data() + used_, numbers, count * sizeof(float));
    used_ += count;
  }
  void clear() { used_ = 0; }
  void release() { memory_.reset(), used_ = 0; }
};

class Scc : public Temporal {
  CompressorSettings settings;
  std::shared_ptr<Stream> stream;  // before what is allocated on it
  OwnStream own_stream;

  // The open group.
  Type type = Type::kFloat32;
  int dim = 0, levels = 1;
  Growing rows;                 // [n, dim]: representatives of all frames
  Growing firsts;               // [n, dim / levels]: their first levels; empty where there is one level
  Growing norms;                // [n], of the first levels
  std::vector<Record> records;  // [n]
  struct Material {             // what a frame's share of the merge is made of
    std::optional<Tokens> sources;
    int first, n;  // without sources: these representatives, by weight
  };
  std::vector<Material> frames;
  int64_t source = 0;   // the encoder's tokens
  int64_t emitted = 0;  // tokens sent ahead, in incremental mode

  int count() const { return int(records.size()); }
  int key() const { return dim / levels; }  // numbers that tokens are compared by
  const float *keys() const { return levels == 1 ? rows.data() : firsts.data(); }

  void check(const Tokens &tokens, const char *what) const {
    if (!frames.empty() && (tokens.dim != dim || tokens.type != type || tokens.levels != levels))
      throw BadTokens(std::string(what) + " of " + std::to_string(tokens.dim) + " " + type_name(tokens.type) +
                      " numbers in a group of " + std::to_string(dim) + " " + type_name(type));
    const int device = stream ? stream->device().ordinal() : -1;
    if (!frames.empty() && tokens.device() != device)
      throw BadTokens(std::string(what) + " on device " + std::to_string(tokens.device()) +
                      " in a group on device " + std::to_string(device));
  }

  Tokens empty() const {
    void *unused;
    return allocate_tokens(type, 0, dim, unused);
  }

  // Components of the newest frame's representatives `fresh` (before they join the group) that nothing before
  // is linked to: token by token the links are those of the whole group, so only a later newcomer can still
  // join two of them.
  Tokens news(const Tokens &fresh, const Keys &fresh_keys, int64_t source_now) {
    CompressorSettings exact = settings;
    exact.epsilon = 0;
    exact.budget = {};
    const Partition parts = scc(fresh_keys.rows(), fresh_keys.norms.data(), fresh.n, key(), exact, fresh.n,
                                *stream);
    std::vector<bool> linked(parts.hubs.size(), false);
    if (count() > 0) {
      const Rows block{fresh_keys.rows(), fresh.n};
      const Array<int> nearest(size_t(fresh.n), *stream);
      const Array<double> cosines(size_t(fresh.n), *stream);
      stream->device().kernels().nearest({.x = &block,
                                          .blocks = 1,
                                          .d = key(),
                                          .r = keys(),
                                          .r_norms = norms.data(),
                                          .m = count(),
                                          .labels = nearest.data(),
                                          .cosines = cosines.data()},
                                         stream.get());
      const std::vector<double> highest = cosines.download();
      for (size_t i = 0; i < highest.size(); i++)
        if (highest[i] > settings.tau) linked[size_t(parts.labels[i])] = true;
    }
    // What is sent: components in order, as many as a bound leaves room for. The others' rows share one more
    // label.
    const int64_t room = settings.budget.keep(source_now, INT32_MAX) - emitted;
    int n = 0;
    std::vector<int> number(parts.hubs.size(), -1);
    for (size_t j = 0; j < number.size() && n < room; j++)
      if (!linked[j]) number[j] = n++;
    std::vector<int> labels(parts.labels.size());
    for (size_t i = 0; i < labels.size(); i++) {
      const int sent = number[size_t(parts.labels[i])];
      labels[i] = sent < 0 ? n : sent;
    }
    Tokens means =
        means_by_label(static_cast<const float *>(fresh.data.get()), dim, labels, n + 1, stream);
    means.levels = levels;
    means.n = n;
    means.records.assign(size_t(n), Record{.weight = 0});
    for (size_t j = 0; j < number.size(); j++)
      if (number[j] >= 0) {
        means.records[size_t(number[j])] = fresh.records[size_t(parts.hubs[j])];
        means.records[size_t(number[j])].weight = 0;
      }
    for (size_t i = 0; i < labels.size(); i++)
      if (labels[i] < n) means.records[size_t(labels[i])].weight += fresh.records[i].weight;
    emitted += n;
    return from_float32(means, type, stream);
  }

  // Where tokens come to lie elsewhere, between groups.
  void move_to(const Tokens &tokens) {
    const auto &next = own_stream.on(tokens);
    if (next == stream) return;
    rows.release(), firsts.release(), norms.release();
    stream = next;
  }

 public:
  explicit Scc(const CompressorSettings &s) : settings(s) {}

  Tokens add(const TemporalInput &frame) override {
    check(frame.tokens, "tokens");
    if (frames.empty()) move_to(frame.tokens);
    Tokens fresh = to_float32(frame.tokens, stream);
    const Use reading(fresh, *stream);
    const Keys fresh_keys = keys_of(fresh, stream);
    if (fresh.records.size() != size_t(fresh.n)) fresh.records.resize(size_t(fresh.n));
    std::optional<Tokens> sources = frame.sources;
    if (sources) {
      if (sources->dim != frame.tokens.dim || sources->levels != frame.tokens.levels ||
          sources->device() != frame.tokens.device())
        throw BadTokens("sources of " + std::to_string(sources->dim) + " numbers on device " +
                        std::to_string(sources->device()) + " to tokens of " +
                        std::to_string(frame.tokens.dim) + " on device " +
                        std::to_string(frame.tokens.device()));
      check_finite(*sources, stream);
      if (sources->records.size() != size_t(sources->n)) sources->records.resize(size_t(sources->n));
    }
    const auto *x = static_cast<const float *>(fresh.data.get());
    type = frame.tokens.type, dim = frame.tokens.dim, levels = frame.tokens.levels;
    Tokens out = settings.incremental ? news(fresh, fresh_keys, source + frame.source) : empty();
    frames.push_back({std::move(sources), count(), fresh.n});
    rows.append(x, size_t(fresh.n) * size_t(dim), *stream);
    if (levels > 1) firsts.append(fresh_keys.rows(), size_t(fresh.n) * size_t(key()), *stream);
    norms.append(fresh_keys.norms.data(), size_t(fresh.n), *stream);
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
    const Partition parts = scc(keys(), norms.data(), count(), key(), settings, source, *stream);
    Tokens out = means_by_label(rows.data(), dim, parts.labels, parts.count(), stream);
    out.levels = levels;
    const std::vector<uint64_t> weights = merge(out);
    for (size_t j = 0; j < parts.hubs.size(); j++) {
      out.records[j] = records[size_t(parts.hubs[j])];
      out.records[j].weight = uint32_t(std::min<uint64_t>(weights[j], UINT32_MAX));
    }
    out = from_float32(out, type, stream);
    reset();
    return out;
  }

  void reset() override {
    rows.clear(), firsts.clear(), norms.clear(), records.clear(), frames.clear();
    source = emitted = 0;
  }

 private:
  // Each of the representatives `merged` becomes (itself + the sum of what is most similar to it) / (count +
  // 1); returns the counts. Without a frame's sources its representatives stand for them, by weight.
  std::vector<uint64_t> merge(const Tokens &merged) const {
    const Use writing(merged, *stream);
    auto *means = static_cast<float *>(const_cast<void *>(merged.data.get()));  // just made here
    std::list<Tokens> wide;              // keeps float32 copies and first levels alive
    std::list<Use> reading;
    std::vector<Rows> blocks, compared;  // whole tokens; what they are compared by
    std::vector<uint32_t> weight;
    for (const Material &frame : frames) {
      const Record *record = records.data() + frame.first;
      int n = frame.n;
      if (frame.sources) {
        const Tokens &sources = wide.emplace_back(to_float32(*frame.sources, stream));
        reading.emplace_back(sources, *stream);
        record = frame.sources->records.data();
        n = frame.sources->n;
        const Tokens &level = wide.emplace_back(first_level(sources, stream));
        blocks.push_back({static_cast<const float *>(sources.data.get()), n});
        compared.push_back({static_cast<const float *>(level.data.get()), n});
      } else {
        blocks.push_back({rows.data() + size_t(frame.first) * size_t(dim), n});
        compared.push_back({keys() + size_t(frame.first) * size_t(key()), n});
      }
      for (int i = 0; i < n; i++) weight.push_back(record[i].weight);
    }
    const Kernels &kernels = stream->device().kernels();
    const Array<int> labels(weight.size(), *stream);
    const Array<uint32_t> weights(weight, *stream);
    const Array<uint64_t> counts(size_t(merged.n), *stream);
    const int count_of_blocks = int(blocks.size());
    {
      const Tokens level = first_level(merged, stream);
      const auto *r = static_cast<const float *>(level.data.get());
      const Array<float> lengths(size_t(merged.n), *stream);
      kernels.norms({.x = r, .n = merged.n, .d = key(), .out = lengths.data()}, stream.get());
      kernels.nearest({.x = compared.data(),
                       .blocks = count_of_blocks,
                       .d = key(),
                       .r = r,
                       .r_norms = lengths.data(),
                       .m = merged.n,
                       .labels = labels.data()},
                      stream.get());
    }
    kernels.means({.x = blocks.data(),
                   .blocks = count_of_blocks,
                   .d = dim,
                   .labels = labels.data(),
                   .weights = weights.data(),
                   .start = means,
                   .m = merged.n,
                   .out = means,
                   .counts = counts.data()},
                  stream.get());
    return counts.download();
  }
};

}  // namespace

std::unique_ptr<Temporal> make_temporal_scc(const CompressorSettings &settings) {
  return std::make_unique<Scc>(settings);
}

}  // namespace vtok
