// Streams and device memory, and whether a GPU is usable.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/device.cuh"

namespace vtok {

void check(int code, const char *what) {
  if (code == cudaSuccess) return;
  throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(cudaError_t(code)));
}

namespace {

class OnDevice {  // makes a device current for a scope
  int before = 0;

 public:
  explicit OnDevice(int device) {
    check(cudaGetDevice(&before), "asking for the current device");
    check(cudaSetDevice(device), "choosing a device");
  }
  ~OnDevice() { cudaSetDevice(before); }
};

__global__ void nothing() {}

bool usable() {
  int count = 0;
  cudaFuncAttributes attributes;
  const bool works = cudaGetDeviceCount(&count) == cudaSuccess && count > 0 &&
                     cudaFuncGetAttributes(&attributes, nothing) == cudaSuccess;
  cudaGetLastError();  // an absent driver is no error of what comes later
  return works;
}

}  // namespace

Stream::Stream(int index) : device(index), handle(nullptr) {
  const OnDevice here(device);
  cudaStream_t stream;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  handle = stream;
}
Stream::~Stream() { cudaStreamDestroy(device::handle(this)); }
void Stream::wait() { check(cudaStreamSynchronize(device::handle(this)), "waiting for a stream"); }

DeviceMemory::DeviceMemory(size_t bytes, Stream &stream) : stream_(stream) {
  const OnDevice here(stream.device);
  check(cudaMallocAsync(&data_, std::max<size_t>(bytes, 1), device::handle(&stream)),
        "allocating device memory");
}
DeviceMemory::~DeviceMemory() { cudaFreeAsync(data_, device::handle(&stream_)); }
void DeviceMemory::upload(const void *host, size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(data_, host, bytes, cudaMemcpyHostToDevice, device::handle(&stream_)),
        "copying to the device");
}
void DeviceMemory::download(void *host, size_t bytes) const {
  if (bytes > 0)
    check(cudaMemcpyAsync(host, data_, bytes, cudaMemcpyDeviceToHost, device::handle(&stream_)),
          "copying from the device");
  stream_.wait();
}

const Kernels *cuda_kernels() {
  static const Kernels table{.name = "cuda",
                             .preprocess = device::preprocess,
                             .norms = device::norms,
                             .components = device::components,
                             .nearest = device::nearest,
                             .means = device::means};
  static const bool works = usable();
  return works ? &table : nullptr;
}

}  // namespace vtok
