// Temporal method `none`: the tokens of a group's frames, one after the other, whatever the budget.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/device_tokens.h"
#include "models/error.h"
#include "models/norms.h"
#include "models/temporal.h"

namespace vtok {
namespace {

class None : public Temporal {
  const bool incremental;
  OwnStream own_stream;
  std::vector<Tokens> frames;

 public:
  explicit None(bool each_frame) : incremental(each_frame) {}

  Tokens add(const TemporalInput &frame) override {
    const Tokens &tokens = frame.tokens;
    check_finite(tokens, own_stream.on(tokens));
    if (!frames.empty() &&
        (frames[0].type != tokens.type || frames[0].dim != tokens.dim || frames[0].levels != tokens.levels))
      throw BadTokens(std::to_string(tokens.dim) + " " + type_name(tokens.type) +
                      " numbers a token in a group of " + std::to_string(frames[0].dim) + " " +
                      type_name(frames[0].type));
    if (!frames.empty() && frames[0].device() != tokens.device())
      throw BadTokens("tokens on device " + std::to_string(tokens.device()) + " in a group on device " +
                      std::to_string(frames[0].device()));
    frames.push_back(tokens);
    if (incremental) return tokens;
    void *unused;
    return allocate_tokens(tokens.type, 0, tokens.dim, unused);
  }

  void set_budget(const Budget &) override {}

  Tokens close() override {
    if (frames.empty()) return {};
    int n = 0;
    for (const Tokens &t : frames) n += t.n;
    void *memory;
    const auto &stream = own_stream.on(frames[0]);
    Tokens out = allocate_tokens(frames[0].type, n, frames[0].dim, stream, memory);
    out.levels = frames[0].levels;
    const Use writing(out, *stream);
    out.records.clear();
    for (const Tokens &t : frames) {
      const Use reading(t, *stream);
      stream->copy(memory, t.data.get(), t.bytes());
      memory = static_cast<char *>(memory) + t.bytes();
      out.records.insert(out.records.end(), t.records.begin(), t.records.end());
    }
    out.records.resize(size_t(n));
    frames.clear();
    return out;
  }

  void reset() override { frames.clear(); }
};

}  // namespace

std::unique_ptr<Temporal> make_temporal_none(const CompressorSettings &settings) {
  return std::make_unique<None>(settings.incremental);
}

}  // namespace vtok
