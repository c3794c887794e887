// What vtokspatial and vtoktemporal share: their properties, their counts, their caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "gst/bridge.h"
#include "gst/settings.h"
#include "models/spatial.h"

namespace vtok {

#define VTOK_RAW_TOKENS(features)                                                                      \
  "application/x-visual-tokens" features                                                               \
  ", type=(string){float32, float16, bfloat16, float8-e4m3, int8}, hidden-size=(int)[1, 2147483647], " \
  "stream-format=(string)raw"
/// Tokens of any space, unframed; those that the caps say are on a GPU too.
inline constexpr char kTokenCaps[] = VTOK_RAW_TOKENS("") "; " VTOK_RAW_TOKENS("(memory:CUDAMemory)");

/// How far to compress; the properties tau ... max-tokens, read once per buffer (vtoktemporal: per group).
struct Compression {
  double tau = 0.9, epsilon = 0;
  uint64_t seed = 0;
  double retention = 0;
  unsigned max_tokens = 0;
  bool operator==(const Compression &) const = default;

  template <class V>
  void each(V &&v, const char *buffer) {
    using enum Access;
    v(tau, "tau", "SCC links tokens whose cosine is above", -1., 1., kPlaying);
    v(epsilon, "epsilon", "SCC samples ln(n) / epsilon^2 of n tokens; 0: all of them, exactly", 0., 1.,
      kPlaying);
    v(seed, "seed", "Seed of the sampling", 0, G_MAXUINT64, kPlaying);
    v(retention, "retention", "Share of the encoder's tokens kept; 0: the method's own rule", 0., 1.,
      kPlaying);
    v(max_tokens, "max-tokens", std::string("Most tokens of one ") + buffer + "; 0: no bound", 0u,
      unsigned(G_MAXINT32), kPlaying);
  }
  /// `bound`: what the negotiated caps allow beside it, 0: nothing.
  CompressorSettings compressor(int bound) const {
    CompressorSettings s{.tau = tau, .epsilon = epsilon, .seed = seed};
    s.budget.retention = retention;
    s.budget.max_tokens = smaller_bound(int(max_tokens), bound);
    return s;
  }
  /// The smaller of two bounds, where 0 is none.
  static int smaller_bound(int a, int b) { return !a || (b && b < a) ? b : a; }
};

/// What the property `stats` of a compressor counts, since start.
struct CompressorStats {
  std::atomic<uint64_t> frames_in{0}, frames_out{0}, tokens_in{0}, tokens_out{0}, groups{0}, dropped{0},
      ns{0};
  void reset() {
    for (auto *count : {&frames_in, &frames_out, &tokens_in, &tokens_out, &groups, &dropped, &ns}) *count = 0;
  }
  GstStructure *structure(const char *name) const {
    return gst_structure_new(name, "frames-in", G_TYPE_UINT64, guint64(frames_in), "frames-out",
                             G_TYPE_UINT64, guint64(frames_out), "tokens-in", G_TYPE_UINT64,
                             guint64(tokens_in), "tokens-out", G_TYPE_UINT64, guint64(tokens_out), "groups",
                             G_TYPE_UINT64, guint64(groups), "dropped-bad-tokens", G_TYPE_UINT64,
                             guint64(dropped), "compress-ms", G_TYPE_DOUBLE, double(ns) / 1e6, nullptr);
  }
};

/// Adds the time it lives to a count of nanoseconds.
class Stopwatch {
  std::atomic<uint64_t> &ns_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();

 public:
  explicit Stopwatch(std::atomic<uint64_t> &ns) : ns_(ns) {}
  ~Stopwatch() { ns_ += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start_).count(); }
};

/// Throws BadTokens where a method that knows no budget kept more than the caps allow.
void check_bound(const Tokens &tokens, const StreamInfo &info, const char *method);

/// Those of `caps` that `filter` (null: all) has too, in its order, as transform_caps gives them. Takes
/// `caps`.
GstCaps *filtered(GstCaps *caps, GstCaps *filter);

/// The first structure of these caps whose field `extras` names the side input.
std::optional<guint> caps_naming(const GstCaps *caps, const char *extra);

}  // namespace vtok
