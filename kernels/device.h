// A device that kernels run on, its streams, and the events that order work between them; the host is one too.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "kernels/kernels.h"

namespace vtok {

class Device;

/// Memory of a device that ran out, in one sentence.
class OutOfMemory : public std::bad_alloc {
  std::string sentence_;

 public:
  explicit OutOfMemory(std::string sentence) : sentence_(std::move(sentence)) {}
  const char *what() const noexcept override { return sentence_.c_str(); }
};

/// A mark in a stream, reached when all the work queued before it is done.
class Event {
 public:
  virtual ~Event() = default;
};

/// A queue of work on a device, done in its order. The host waits nowhere but in wait(); what goes wrong in
/// the queued work is thrown by a later call. Several threads may use one stream.
class Stream {
 public:
  virtual ~Stream() = default;  // what is queued is still done
  virtual Device &device() const = 0;
  virtual void *handle() const = 0;  // cudaStream_t; null on the host
  /// Memory for work queued from now on, aligned to 64 bytes. Throws OutOfMemory or std::runtime_error.
  virtual void *allocate(size_t bytes) = 0;
  /// Gives it back after the work queued so far.
  virtual void free(void *data) noexcept = 0;
  /// Either side may be host memory. What is read there may be changed at once, what is written there is good
  /// after wait().
  virtual void copy(void *to, const void *from, size_t bytes) = 0;
  /// The same for n rows of `width` bytes, whose beginnings lie the strides apart.
  virtual void copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t width,
                         size_t n) = 0;
  virtual void wait() = 0;
  /// Marks the work queued so far; an event may be recorded again, what waits for the mark before is not
  /// changed.
  virtual void record(Event &event) = 0;
  /// Work queued from now on comes after the mark, wherever it was recorded.
  virtual void after(const Event &event) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual int ordinal() const = 0;             // of CUDA; -1: the host
  virtual const Kernels &kernels() const = 0;  // a null entry: copy to the host and use cpu()
  virtual std::shared_ptr<Stream> make_stream() = 0;
  virtual std::unique_ptr<Event> make_event() = 0;
};

/// The host: kernels are cpu(), and work is done when a call returns.
Device &host_device();

/// The CUDA device of that number; null where there is none, or none that runs our kernels.
Device *cuda_device(int ordinal);

}  // namespace vtok
