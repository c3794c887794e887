// The stream that a model's work goes to on a GPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/model_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <exception>

namespace vtok {
namespace {

void wait_for_torch(int device) {
  const c10::impl::VirtualGuardImpl cuda(c10::kCUDA);
  cuda.synchronizeStream(cuda.getStream(c10::Device(c10::kCUDA, c10::DeviceIndex(device))));
}

}  // namespace

ModelStream::ModelStream(int device) : device_(device) {
  if (device_ < 0) return;
  wait_for_torch(device_);
  if (Device *gpu = cuda_device(device_)) stream_ = gpu->make_stream();
}

ModelStream::~ModelStream() {
  if (device_ < 0) return;
  try {
    stream_ ? stream_->wait() : wait_for_torch(device_);
  } catch (const std::exception &) {  // the device is lost, and nothing runs on it
  }
}

// LibTorch names a stream that is not its own by its cudaStream_t (c10/cuda/CUDAStream.h:
// getStreamFromExternal, which lies in a library that we do not link).
c10::OptionalStreamGuard ModelStream::enter() const {
  if (!stream_) return c10::OptionalStreamGuard();
  return c10::OptionalStreamGuard(c10::Stream(c10::Stream::UNSAFE,
                                              c10::Device(c10::kCUDA, c10::DeviceIndex(device_)),
                                              c10::StreamId(reinterpret_cast<intptr_t>(stream_->handle()))));
}

}  // namespace vtok
