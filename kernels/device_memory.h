// Memory on a device: arrays for the work of one stream, and memory that goes from stream to stream.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/device.h"

namespace vtok {

/// [size] numbers for work on one stream, which must outlive them; given back in its order.
template <class T>
class Array {
  Stream *stream_;
  size_t size_;
  T *data_;

 public:
  Array(size_t size, Stream &stream)
      : stream_(&stream), size_(size), data_(static_cast<T *>(stream.allocate(size * sizeof(T)))) {}
  Array(const std::vector<T> &host, Stream &stream) : Array(host.size(), stream) {
    stream.copy(data_, host.data(), size_ * sizeof(T));
  }
  Array(Array &&other) noexcept
      : stream_(other.stream_), size_(other.size_), data_(std::exchange(other.data_, nullptr)) {}
  Array &operator=(Array &&other) noexcept {
    std::swap(stream_, other.stream_), std::swap(size_, other.size_), std::swap(data_, other.data_);
    return *this;
  }
  ~Array() {
    if (data_) stream_->free(data_);
  }
  T *data() const { return data_; }
  size_t size() const { return size_; }
  /// Queues a copy of the first `host.size()`; `host` is good after the stream's wait().
  void fetch(std::vector<T> &host) const { stream_->copy(host.data(), data_, host.size() * sizeof(T)); }
  std::vector<T> download() const {
    std::vector<T> host(size_);
    fetch(host);
    stream_->wait();
    return host;
  }
};

/// Memory that work on several streams uses, in turn.
///
/// Note [One event per memory]
/// Its event marks the end of the latest use. A user's stream first waits for that mark, then does its work,
/// then waits for whatever the mark is by then and moves it behind its own work: the mark is never before any
/// use queued so far, also when two users overlap. The memory is given back behind it, on the stream it came
/// from.
class DeviceMemory {
  const std::shared_ptr<Stream> home_;
  void *const data_;
  const std::shared_ptr<void> holder_;  // null: data_ is home_'s to free
  std::mutex mutex_;
  std::unique_ptr<Event> used_;  // null: not used yet

 public:
  DeviceMemory(size_t bytes, std::shared_ptr<Stream> home);
  /// Somebody else's memory: `holder` is let go of when `home` has been told to wait for all uses, so it must
  /// give the memory back in the order of `home`.
  DeviceMemory(void *data, std::shared_ptr<void> holder, std::shared_ptr<Stream> home);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  void *data() const { return data_; }
  const std::shared_ptr<Stream> &home() const { return home_; }
  Device &device() const { return home_->device(); }

  /// A use by `stream`, one of the memory's device: between the two its work is queued.
  void begin_use(Stream &stream);
  void end_use(Stream &stream) noexcept;
};

}  // namespace vtok
