// CUDA devices: streams, events, memory in the order of a stream, and which devices run our kernels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/device.cuh"

namespace vtok {

namespace device {

void check(cudaError_t code, const char *what) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // what is no lasting error is told once
  const std::string sentence = std::string("CUDA: ") + what + ": " + cudaGetErrorString(code);
  if (code == cudaErrorMemoryAllocation) throw OutOfMemory(sentence);
  throw std::runtime_error(sentence);
}

}  // namespace device

namespace {

using device::check;

// Makes a device current for a scope.
class OnDevice {
  int before_ = 0;
  const int ordinal_;

 public:
  explicit OnDevice(int ordinal) : ordinal_(ordinal) {
    check(cudaGetDevice(&before_), "asking for the current device");
    if (before_ != ordinal_) check(cudaSetDevice(ordinal_), "choosing a device");
  }
  ~OnDevice() {
    if (before_ != ordinal_) cudaSetDevice(before_);
  }
  OnDevice(const OnDevice &) = delete;
};

struct CudaEvent : Event {
  cudaEvent_t handle = nullptr;
  explicit CudaEvent(int ordinal) {
    const OnDevice here(ordinal);
    check(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming), "making an event");
  }
  ~CudaEvent() override { cudaEventDestroy(handle); }
};

class CudaStream : public Stream {
  Device &device_;
  cudaStream_t stream_ = nullptr;
  int reads_host_ = 0;  // the device reads pageable memory where it lies

  // Whether what is copied from there may still be read when the copy has been queued: pageable memory has
  // been taken over by the runtime then, unless the device can read it itself.
  bool read_later(const void *from) const {
    cudaPointerAttributes about;
    check(cudaPointerGetAttributes(&about, from), "asking about memory");
    return about.type == cudaMemoryTypeHost || (about.type == cudaMemoryTypeUnregistered && reads_host_ != 0);
  }

 public:
  explicit CudaStream(Device &device) : device_(device) {
    const OnDevice here(device.ordinal());
    check(cudaDeviceGetAttribute(&reads_host_, cudaDevAttrPageableMemoryAccess, device.ordinal()),
          "asking about a device");
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  }
  // Waits: LibTorch knows a stream by its handle, and the next stream may get the same one.
  ~CudaStream() override {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }
  Device &device() const override { return device_; }
  void *handle() const override { return stream_; }
  void *allocate(size_t bytes) override {
    const OnDevice here(device_.ordinal());  // whose pool it comes from
    void *data = nullptr;
    const cudaError_t code = cudaMallocAsync(&data, std::max<size_t>(bytes, 1), stream_);
    if (code != cudaSuccess)
      check(code, ("allocating " + std::to_string(bytes) + " bytes on device " +
                   std::to_string(device_.ordinal()))
                      .c_str());
    return data;
  }
  void free(void *data) noexcept override { cudaFreeAsync(data, stream_); }
  void copy(void *to, const void *from, size_t bytes) override {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), "copying");
    if (read_later(from)) wait();
  }
  void copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t width,
                 size_t n) override {
    if (width == 0 || n == 0) return;
    check(cudaMemcpy2DAsync(to, to_stride, from, from_stride, width, n, cudaMemcpyDefault, stream_),
          "copying rows");
    if (read_later(from)) wait();
  }
  void wait() override { check(cudaStreamSynchronize(stream_), "waiting for a stream"); }
  void record(Event &event) override {
    check(cudaEventRecord(static_cast<CudaEvent &>(event).handle, stream_), "recording an event");
  }
  void after(const Event &event) override {
    check(cudaStreamWaitEvent(stream_, static_cast<const CudaEvent &>(event).handle, 0),
          "waiting for an event");
  }
};

// A kernel launches on the current device only, whatever its stream.
template <auto kernel>
struct Launch;
template <class Args, void (*kernel)(const Args &, Stream *)>
struct Launch<kernel> {
  static void run(const Args &args, Stream *stream) {
    const OnDevice here(stream->device().ordinal());
    kernel(args, stream);
  }
};

class CudaDevice : public Device {
  const int ordinal_;

 public:
  explicit CudaDevice(int ordinal) : ordinal_(ordinal) {}
  int ordinal() const override { return ordinal_; }
  const Kernels &kernels() const override {
    static const Kernels table{.name = "cuda",
                               .preprocess = Launch<device::preprocess>::run,
                               .norms = Launch<device::norms>::run,
                               .similarity = Launch<device::similarity>::run,
                               .components = Launch<device::components>::run,
                               .nearest = Launch<device::nearest>::run,
                               .means = Launch<device::means>::run,
                               .convert = Launch<device::convert>::run};
    return table;
  }
  std::shared_ptr<Stream> make_stream() override { return std::make_shared<CudaStream>(*this); }
  std::unique_ptr<Event> make_event() override { return std::make_unique<CudaEvent>(ordinal_); }
};

__global__ void nothing() {}

// Has memory pools, and our kernels were compiled for it.
bool usable(int ordinal) {
  int before = 0, pools = 0;
  cudaFuncAttributes attributes;
  const bool works =
      cudaGetDevice(&before) == cudaSuccess && cudaSetDevice(ordinal) == cudaSuccess &&
      cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, ordinal) == cudaSuccess && pools != 0 &&
      cudaFuncGetAttributes(&attributes, nothing) == cudaSuccess;
  cudaSetDevice(before);
  cudaGetLastError();  // what a device lacks is no error of what comes later
  return works;
}

// The devices there are; each is tried when it is first asked for, since that takes some of its memory.
class CudaDevices {
  std::mutex mutex_;
  std::vector<std::unique_ptr<CudaDevice>> devices_;
  std::vector<bool> tried_;

 public:
  CudaDevices() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) count = 0;
    cudaGetLastError();
    devices_.resize(size_t(count)), tried_.resize(size_t(count));
  }
  Device *get(int ordinal) {
    const std::lock_guard lock(mutex_);
    if (ordinal < 0 || size_t(ordinal) >= devices_.size()) return nullptr;
    const size_t i = size_t(ordinal);
    if (!tried_[i] && usable(ordinal)) devices_[i] = std::make_unique<CudaDevice>(ordinal);
    tried_[i] = true;
    return devices_[i].get();
  }
};

}  // namespace

Device *cuda_device(int ordinal) {
  static auto *devices = new CudaDevices;  // never deleted: streams may outlive static objects
  return devices->get(ordinal);
}

}  // namespace vtok
