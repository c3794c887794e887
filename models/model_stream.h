// The stream that a model's work goes to on a GPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <c10/core/StreamGuard.h>

#include <memory>

#include "kernels/device.h"

namespace vtok {

/// A member that comes after the weights: made when they are loaded, for which it waits, and gone before
/// they go, when all work is done. On the CPU, and where this build has no CUDA kernels, LibTorch's own order
/// holds.
class ModelStream {
  const int device_;
  std::shared_ptr<Stream> stream_;

 public:
  explicit ModelStream(int device);  // of CUDA; -1: the CPU
  ~ModelStream();
  ModelStream(const ModelStream &) = delete;
  ModelStream &operator=(const ModelStream &) = delete;
  /// Null where LibTorch's own is used.
  const std::shared_ptr<Stream> &get() const { return stream_; }
  /// While it lives, what this thread asks of LibTorch goes to the stream.
  c10::OptionalStreamGuard enter() const;
};

}  // namespace vtok
