// What the server serves: an element that answers questions.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gst/ask.h"
#include "models/memory.h"

namespace vtok {

/// Called in the server's thread.
class Served {
 public:
  enum class State { kStopped, kLoading, kReady, kFailed };
  virtual State serving() = 0;
  virtual std::string element_name() = 0;
  virtual std::string model_name() = 0;
  /// Throws std::invalid_argument where the text is no question, std::logic_error where nothing can be asked
  /// now.
  virtual uint64_t ask(const std::string &question, std::shared_ptr<const AskOptions> options) = 0;
  virtual bool cancel(uint64_t id) = 0;
  virtual GstStructure *stats() const = 0;  // the caller frees it
  /// `tell` gets what is remembered, oldest first, the open group last; in the worker's thread, once it comes
  /// to it. False: not now.
  virtual bool remembered(std::function<void(std::vector<GroupPtr>)> tell) = 0;
  /// A time that people are told as stream time, ns.
  virtual int64_t stream_time(int64_t told) = 0;

 protected:
  ~Served() = default;
};

/// A picture of the newest keyframe, to be drawn under the tokens that were kept of it.
struct Keyframe {
  int64_t from = 0;  // stream time, ns
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;                  // [height, width, 3]
  unsigned grid_width = 0, grid_height = 0;  // of the tokens' rows and columns; 0: not known
};

}  // namespace vtok
