// As much of CUDA as the .cu files use, on the CPU: their index logic runs, and is checked, without a GPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The threads of a block are fibers that take turns at barriers and atomics, in an order drawn at random; blocks
// run one after the other. Work is done when it is launched. Device memory is the host's. meson.build turns
// kernel<<<…>>>(…) into launch(kernel, …)(…).
#pragma once
#include <math.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)

using std::max, std::min;

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
inline dim3 blockIdx, threadIdx, blockDim;

namespace emulated {

constexpr int kWarp = 32;
constexpr size_t kStack = 1 << 16;
enum Waits { kNot, kForWarp, kForBlock, kDone };

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStack);
  Waits waits = kNot;
  double given = 0;  // to the warp
};

/// The threads of the block that runs.
struct Block {
  std::vector<std::unique_ptr<Fiber>> fibers;
  int threads = 0, now = 0;
  ucontext_t scheduler;
  std::function<void()> kernel;
  std::minstd_rand random{1};

  Fiber &mine() { return *fibers[size_t(now)]; }
  void yield(Waits waits) {
    mine().waits = waits;
    swapcontext(&mine().context, &scheduler);
  }
  void perhaps_yield() {
    if (random() % 4 == 0) yield(kNot);
  }
};
inline Block block;

inline void enter() {
  block.kernel();
  block.yield(kDone);
}

/// Lets all of [first, last) go on where all of them wait for one another.
inline void release(int first, int last, Waits waits) {
  for (int i = first; i < last; i++)
    if (block.fibers[size_t(i)]->waits != waits) return;
  for (int i = first; i < last; i++) block.fibers[size_t(i)]->waits = kNot;
}

inline void run_block() {
  std::vector<int> order;
  for (int i = 0; i < block.threads; i++) {
    if (size_t(i) == block.fibers.size()) block.fibers.push_back(std::make_unique<Fiber>());
    Fiber &fiber = *block.fibers[size_t(i)];
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.waits = kNot;
    makecontext(&fiber.context, enter, 0);
    order.push_back(i);
  }
  std::shuffle(order.begin(), order.end(), block.random);
  for (bool left = true; left;) {
    bool moved = false;
    left = false;
    for (int i : order) {
      Fiber &fiber = *block.fibers[size_t(i)];
      if (fiber.waits == kNot) {
        block.now = i, threadIdx.x = unsigned(i);
        swapcontext(&block.scheduler, &fiber.context);
        moved = true;
      }
      left |= fiber.waits != kDone;
    }
    for (int i = 0; i < block.threads; i += kWarp) release(i, min(i + kWarp, block.threads), kForWarp);
    release(0, block.threads, kForBlock);
    if (left && !moved) throw std::logic_error("threads of a block wait at different places");
  }
}

template <class... P>
auto launch(void (*kernel)(P...), dim3 grid, dim3 threads, size_t, const void *) {
  return [=](P... args) {
    block.threads = int(threads.x), blockDim = threads;
    block.kernel = [&] { kernel(args...); };
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        blockIdx = {x, y};
        run_block();
      }
  };
}

/// `value` of the lane that is this one with the bits of `mask` turned.
template <class T>
T exchange(T value, int mask) {
  block.mine().given = double(value);  // exact for int, float and double
  const int partner = block.now ^ mask;
  block.yield(kForWarp);
  const T theirs = T(block.fibers[size_t(partner)]->given);
  block.yield(kForWarp);
  return theirs;
}

}  // namespace emulated

using emulated::launch;

inline void __syncthreads() { emulated::block.yield(emulated::kForBlock); }
inline void __syncwarp() { emulated::block.yield(emulated::kForWarp); }
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return emulated::exchange(value, mask);
}
inline int __any_sync(unsigned, bool value) {
  int any = value;
  for (int step = emulated::kWarp / 2; step > 0; step /= 2) any |= emulated::exchange(any, step);
  return any;
}
template <class T>
T atomicCAS(T *at, T expected, T value) {
  emulated::block.perhaps_yield();
  const T was = *at;
  if (was == expected) *at = value;
  return was;
}
template <class T>
void atomicAdd(T *at, T value) {
  emulated::block.perhaps_yield();
  *at += value;
}
template <class T>
void atomicMax(T *at, T value) {
  emulated::block.perhaps_yield();
  *at = max(*at, value);
}

// The runtime: one device, whose work is done when a call returns.
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
enum cudaMemcpyKind { cudaMemcpyDefault = 4 };
enum cudaDeviceAttr { cudaDevAttrPageableMemoryAccess = 88, cudaDevAttrMemoryPoolsSupported = 115 };
enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost };
struct cudaPointerAttributes {
  cudaMemoryType type;
};
struct cudaFuncAttributes {};
using cudaStream_t = struct CUstream_st *;
using cudaEvent_t = struct CUevent_st *;

inline const char *cudaGetErrorString(cudaError_t code) {
  return code == cudaErrorMemoryAllocation ? "out of memory" : "invalid argument";
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int *count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaGetDevice(int *device) { return *device = 0, cudaSuccess; }
inline cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
inline cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMemoryPoolsSupported;
  return cudaSuccess;
}
template <class K>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *, K) {
  return cudaSuccess;
}
inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *about, const void *) {
  about->type = cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  return *stream = nullptr, cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  return *event = nullptr, cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaMallocAsync(void **data, size_t bytes, cudaStream_t) {
  if (bytes > size_t(1) << 40) return cudaErrorMemoryAllocation;
  *data = std::malloc(bytes);
  if (*data) std::memset(*data, 0xd5, bytes);
  return *data ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFreeAsync(void *data, cudaStream_t) { return std::free(data), cudaSuccess; }
inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  return std::memcpy(to, from, bytes), cudaSuccess;
}
inline cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride,
                                     size_t width, size_t rows, cudaMemcpyKind, cudaStream_t) {
  for (size_t i = 0; i < rows; i++)
    std::memcpy(static_cast<char *>(to) + i * to_stride, static_cast<const char *>(from) + i * from_stride,
                width);
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t) {
  return std::memset(to, value, bytes), cudaSuccess;
}
