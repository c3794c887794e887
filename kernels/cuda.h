// CUDA by RAII: a stream, memory that belongs to it, and the one way errors take. No CUDA header is needed to
// use it. SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <vector>

#include "kernels/kernels.h"

namespace vtok {

/// A queue of work on one device. Work on it is in order; the host waits only in wait() and download().
struct Stream {
  int device;
  void *handle;  // cudaStream_t

  explicit Stream(int device = 0);
  ~Stream();
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;
  void wait();
};

/// Throws std::runtime_error "CUDA: <what>: <reason>" where `code` (a cudaError_t) is not 0.
void check(int code, const char *what);

/// Device memory in the order of a stream: usable by work queued after it was made, freed after work queued
/// before it is destroyed. The stream must outlive it.
class DeviceMemory {
  Stream &stream_;
  void *data_ = nullptr;

 public:
  DeviceMemory(size_t bytes, Stream &stream);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;
  void *data() const { return data_; }
  void upload(const void *host, size_t bytes);    // host memory may be reused at once, unless it is pinned
  void download(void *host, size_t bytes) const;  // waits
};

template <class T>
class DeviceBuffer {
  size_t count_;
  DeviceMemory memory_;

 public:
  DeviceBuffer(size_t count, Stream &stream) : count_(count), memory_(count * sizeof(T), stream) {}
  DeviceBuffer(const std::vector<T> &host, Stream &stream) : DeviceBuffer(host.size(), stream) {
    memory_.upload(host.data(), host.size() * sizeof(T));
  }
  T *data() const { return static_cast<T *>(memory_.data()); }
  std::vector<T> download() const {
    std::vector<T> host(count_);
    memory_.download(host.data(), count_ * sizeof(T));
    return host;
  }
};

}  // namespace vtok
