// Tokens in the memory of a device, and the stream of a method that works on them; free of cost on the host.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>

#include "kernels/device_memory.h"
#include "models/tokens.h"

namespace vtok {

/// The stream that a method's work goes to: one as long as its tokens lie on one device.
class OwnStream {
  std::shared_ptr<Stream> stream_;

 public:
  /// Throws std::runtime_error where the device lacks a kernel that compressing needs.
  const std::shared_ptr<Stream> &on(const Tokens &tokens);
};

/// A use of tokens by a stream; the work is queued while this lives. Note [One event per memory]
class Use {
  const std::shared_ptr<DeviceMemory> memory_;  // null: host tokens
  Stream &stream_;

 public:
  Use(const Tokens &tokens, Stream &stream) : memory_(tokens.memory), stream_(stream) {
    if (memory_) memory_->begin_use(stream_);
  }
  ~Use() {
    if (memory_) memory_->end_use(stream_);
  }
  Use(const Use &) = delete;
  Use &operator=(const Use &) = delete;
};

/// Uninitialised memory for [n, dim] on the stream's device; `writable` is for work of that stream, within a
/// Use.
Tokens allocate_tokens(Type type, int n, int dim, const std::shared_ptr<Stream> &stream, void *&writable);

/// float32 [n, dim] where the tokens lie, converted by the stream where they are not float32. Throws
/// BadTokens for int8 and float8 on a device: their scales are on the host.
Tokens to_float32(const Tokens &tokens, const std::shared_ptr<Stream> &stream);
/// The way back, on float32 tokens.
Tokens from_float32(const Tokens &tokens, Type type, const std::shared_ptr<Stream> &stream);

/// The first level of float32 tokens, [n, dim / levels], where they lie: the tokens themselves where there is
/// one level, else a copy made by the stream.
Tokens first_level(const Tokens &tokens, const std::shared_ptr<Stream> &stream);

/// The same tokens in host memory; waits for the copy. Host tokens are shared.
Tokens to_host(const Tokens &tokens);
/// The same tokens in the memory of the stream's device; does not wait. Takes host tokens.
Tokens to_device(const Tokens &tokens, const std::shared_ptr<Stream> &stream);

}  // namespace vtok
