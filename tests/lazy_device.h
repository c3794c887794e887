// A device for machines without one, as unforgiving as a GPU can be.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Nothing queued is done before somebody waits for it, streams run in any order that events leave open, and its
// memory may not be touched but by queued work: the host that tries ends with SIGSEGV. Its kernels are cpu()'s.
#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "kernels/device.h"

namespace vtok::test {

class LazyStream;

class LazyDevice : public Device {
  friend class LazyStream;
  std::recursive_mutex mutex_;
  std::map<char *, size_t> live_;  // address, mapped bytes
  int running_ = 0;                // > 0: queued work runs, memory is open

  void protect(int how) {
    for (auto &[data, size] : live_)
      if (mprotect(data, size, how)) throw std::runtime_error("mprotect failed");
  }
  bool owns(const void *address) const {
    const auto *at = static_cast<const char *>(address);
    return std::any_of(live_.begin(), live_.end(),
                       [at](const auto &l) { return at >= l.first && at < l.first + l.second; });
  }

 public:
  int kernels_run = 0;

  LazyDevice() = default;
  LazyDevice(const LazyDevice &) = delete;
  int ordinal() const override { return 7; }
  const Kernels &kernels() const override;
  std::shared_ptr<Stream> make_stream() override;
  std::unique_ptr<Event> make_event() override;
  size_t allocations() {
    const std::lock_guard lock(mutex_);
    return live_.size();
  }
};

struct LazyEvent : Event {
  std::weak_ptr<LazyStream> stream;
  uint64_t position = 0;
};

class LazyStream : public Stream, public std::enable_shared_from_this<LazyStream> {
  LazyDevice &device_;
  std::deque<std::function<void()>> queue_;
  uint64_t done_ = 0;  // of all that was ever queued

 public:
  explicit LazyStream(LazyDevice &device) : device_(device) {}
  ~LazyStream() override { run(done_ + queue_.size()); }
  Device &device() const override { return device_; }
  void *handle() const override { return nullptr; }

  void push(std::function<void()> work) {
    const std::lock_guard lock(device_.mutex_);
    queue_.push_back(std::move(work));
  }
  void push_kernel(std::function<void()> work) {
    push([this, work = std::move(work)] {
      device_.kernels_run++;
      work();
    });
  }
  void run(uint64_t upto) {
    const std::lock_guard lock(device_.mutex_);
    if (done_ >= upto) return;
    if (device_.running_++ == 0) device_.protect(PROT_READ | PROT_WRITE);
    while (done_ < upto) {
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      done_++;
      work();
    }
    if (--device_.running_ == 0) device_.protect(PROT_NONE);
  }

  void *allocate(size_t bytes) override {
    const std::lock_guard lock(device_.mutex_);
    const size_t size = (std::max<size_t>(bytes, 1) + 4095) & ~size_t(4095);
    void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    std::memset(data, 0xd5, size);  // nobody's numbers
    if (!device_.running_) mprotect(data, size, PROT_NONE);
    device_.live_[static_cast<char *>(data)] = size;
    return data;
  }
  void free(void *data) noexcept override {
    push([this, data] {
      const auto at = device_.live_.find(static_cast<char *>(data));
      munmap(at->first, at->second);
      device_.live_.erase(at);
    });
  }
  void copy(void *to, const void *from, size_t bytes) override {
    if (bytes == 0) return;
    const std::lock_guard lock(device_.mutex_);
    if (device_.owns(from)) {
      push([=] { std::memcpy(to, from, bytes); });
    } else {
      const auto *read = static_cast<const char *>(from);
      push([to, staged = std::vector<char>(read, read + bytes)] {
        std::memcpy(to, staged.data(), staged.size());
      });
    }
  }
  void copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t width,
                 size_t n) override {
    for (size_t i = 0; i < n; i++)
      copy(static_cast<char *>(to) + i * to_stride, static_cast<const char *>(from) + i * from_stride, width);
  }
  void wait() override {
    const std::lock_guard lock(device_.mutex_);
    run(done_ + queue_.size());
  }
  void record(Event &event) override {
    const std::lock_guard lock(device_.mutex_);
    auto &mark = static_cast<LazyEvent &>(event);
    mark.stream = weak_from_this();
    mark.position = done_ + queue_.size();
  }
  void after(const Event &event) override {
    const std::lock_guard lock(device_.mutex_);
    const auto &mark = static_cast<const LazyEvent &>(event);
    push([stream = mark.stream, position = mark.position] {
      if (const auto other = stream.lock()) other->run(position);  // one that is gone has run to its end
    });
  }
};

inline std::shared_ptr<Stream> LazyDevice::make_stream() { return std::make_shared<LazyStream>(*this); }
inline std::unique_ptr<Event> LazyDevice::make_event() { return std::make_unique<LazyEvent>(); }

/// A kernel's arguments as they are when it is called; the list of blocks is the host's and read then.
template <class Args>
struct Called {
  Args args;
  std::vector<Rows> blocks;
  explicit Called(const Args &a) : args(a) {
    if constexpr (requires { a.blocks; }) blocks.assign(a.x, a.x + a.blocks);
  }
  void run(Kernel<Args> kernel) const {
    Args a = args;
    if constexpr (requires { a.blocks; }) a.x = blocks.data();
    kernel(a, nullptr);
  }
};

template <class Args, Kernel<Args> Kernels::*entry>
void later(const Args &args, Stream *stream) {
  static_cast<LazyStream *>(stream)->push_kernel([called = Called<Args>(args)] { called.run(cpu().*entry); });
}

inline const Kernels &LazyDevice::kernels() const {  // those that cuda() has
  static const Kernels table{.name = "lazy",
                             .preprocess = later<Preprocess, &Kernels::preprocess>,
                             .norms = later<Norms, &Kernels::norms>,
                             .similarity = later<Similarity, &Kernels::similarity>,
                             .components = later<Components, &Kernels::components>,
                             .nearest = later<Nearest, &Kernels::nearest>,
                             .means = later<Means, &Kernels::means>,
                             .convert = later<Convert, &Kernels::convert>};
  return table;
}

/// The devices a test of device memory runs on: the lazy one, and every GPU that is there.
inline std::vector<Device *> devices() {
  static LazyDevice lazy;
  std::vector<Device *> all{&lazy};
  for (int i = 0; Device *gpu = cuda_device(i); i++) all.push_back(gpu);
  return all;
}

inline const char *name_of(const Device &device) { return device.kernels().name; }

}  // namespace vtok::test
