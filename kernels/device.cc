// The host as a device, and memory that goes from stream to stream.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "kernels/device_memory.h"

namespace vtok {
namespace {

class HostStream : public Stream {
 public:
  Device &device() const override { return host_device(); }
  void *handle() const override { return nullptr; }
  void *allocate(size_t bytes) override {
    void *data = std::aligned_alloc(64, std::max<size_t>((bytes + 63) & ~size_t(63), 64));
    if (!data) throw std::bad_alloc();
    return data;
  }
  void free(void *data) noexcept override { std::free(data); }
  void copy(void *to, const void *from, size_t bytes) override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t width,
                 size_t n) override {
    for (size_t i = 0; i < n && width > 0; i++)
      std::memcpy(static_cast<char *>(to) + i * to_stride, static_cast<const char *>(from) + i * from_stride,
                  width);
  }
  void wait() override {}
  void record(Event &) override {}
  void after(const Event &) override {}
};

class Host : public Device {
 public:
  int ordinal() const override { return -1; }
  const Kernels &kernels() const override { return cpu(); }
  std::shared_ptr<Stream> make_stream() override { return std::make_shared<HostStream>(); }
  std::unique_ptr<Event> make_event() override { return std::make_unique<Event>(); }
};

}  // namespace

Device &host_device() {
  static Host host;
  return host;
}

DeviceMemory::DeviceMemory(size_t bytes, std::shared_ptr<Stream> home)
    : home_(std::move(home)), data_(home_->allocate(bytes)) {}

DeviceMemory::DeviceMemory(void *data, std::shared_ptr<void> holder, std::shared_ptr<Stream> home)
    : home_(std::move(home)), data_(data), holder_(std::move(holder)) {}

DeviceMemory::~DeviceMemory() {
  try {
    if (used_) home_->after(*used_);
  } catch (const std::exception &) {  // the device is lost, and its memory with it
  }
  if (!holder_) home_->free(data_);
}

void DeviceMemory::begin_use(Stream &stream) {
  if (stream.device().ordinal() != device().ordinal())
    throw std::invalid_argument("memory of device " + std::to_string(device().ordinal()) +
                                " used by a stream of device " + std::to_string(stream.device().ordinal()));
  const std::lock_guard lock(mutex_);
  if (used_) stream.after(*used_);
}

void DeviceMemory::end_use(Stream &stream) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    if (used_)
      stream.after(*used_);
    else
      used_ = device().make_event();
    stream.record(*used_);
  } catch (const std::exception &) {  // the device is lost: the stream's next call says so
  }
}

}  // namespace vtok
