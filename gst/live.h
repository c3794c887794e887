// Live or not: what upstream's LATENCY query says, and what follows for a full queue and for late frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "gst/queue.h"
#include "gst/settings.h"

namespace vtok {

/// The property drop-policy.
enum class DropPolicy { kAuto, kOldest, kNewest };
Choices drop_policies();

/// Whether the source behind this sink pad is live; false where nobody answers. Any thread without locks.
bool upstream_is_live(GstPad *sink);

/// What a full queue does: a live stream loses frames, a file waits, unless the user chose what to lose.
inline Full when_full(DropPolicy policy, bool live) {
  if (policy == DropPolicy::kNewest) return Full::kDropNewest;
  return policy == DropPolicy::kOldest || live ? Full::kDropOldest : Full::kWait;
}

/// Frames done and dropped, for QOS messages, and what downstream's QOS events ask for. Thread-safe.
class Qos {
  mutable std::mutex mutex_;
  double proportion_ = 1;
  int64_t earliest_ = -1, jitter_ = 0;  // running time, ns; -1: every frame is in time

 public:
  std::atomic<uint64_t> processed{0}, dropped{0};

  /// A QOS event from downstream; `duration` of one frame in ns, 0: not known.
  void observe(GstEvent *qos, int64_t duration);
  /// True where a frame that ends at this running time would come too late.
  bool late(int64_t running_end) const;
  /// Counts a lost frame and posts the QOS message; times in ns, -1: not known.
  void post_dropped(GstElement *element, bool live, int64_t running, int64_t stream, int64_t pts,
                    int64_t duration);
  /// FLUSH: what downstream asked for no longer holds.
  void forget();
  /// PAUSED to READY.
  void reset();
};

/// How long an element's worker keeps a buffer, for the LATENCY query. One thread measures, any reads.
class Delay {
  std::atomic<int64_t> told_{0};  // ns
  double mean_ns_ = 0;
  int measured_ = 0;

 public:
  /// One batch took so long; true where the latency that is told has to grow.
  bool measure(int64_t batch_ns);
  /// Adds to upstream's answer. `holds`: what the queue may hold, ns, 0: not known; `waits`: how long a buffer waits for others.
  void add_to(GstQuery *latency, Full when_full, int64_t holds, int64_t waits = 0) const;
  void reset();
};

}  // namespace vtok
