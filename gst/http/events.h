// Clients that listen to what happens, and what is remembered, as JSON.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "gst/http/reply.h"
#include "gst/http/served.h"

namespace vtok {

/// Replies that stay open. For the server's thread.
class Events {
  std::list<std::unique_ptr<Reply>> replies_;

 public:
  size_t size() const { return replies_.size(); }
  void add(const std::function<std::unique_ptr<Reply>(std::function<void()> gone)> &reply);
  /// One line of JSON to everybody; `event` as "answer", "alert", "memory".
  void publish(const std::string &event, const std::string &json);
  /// A comment, so that proxies do not take the stream for dead.
  void beat();
  void stop();
};

/// A message's structure as JSON: numbers, texts, flags; ns of "from" and "to" as seconds.
std::string structure_json(const GstStructure *structure);

/// {"groups": [{"id", "from", "to", "tokens", "closed"}], "tokens", "keyframe": {"from", "width", "height"}
/// or null, "grid": [width, height], "kept": [[row, column, weight, seconds from its group's start]] of the
/// newest group}; times are seconds of stream time.
std::string memory_json(const std::vector<GroupPtr> &groups,
                        const std::function<int64_t(int64_t)> &stream_time, const Keyframe *keyframe);

/// The picture as a Windows bitmap, which every browser reads.
std::string bitmap(const Keyframe &keyframe);

}  // namespace vtok
