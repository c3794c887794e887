// Streams, events and memory of every device there is: order, waits, lifetimes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/device.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <thread>

#include "kernels/device_memory.h"
#include "tests/lazy_device.h"

using namespace vtok;

namespace {

std::vector<int> ramp(size_t n, int first) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

constexpr size_t kCount = 100000;  // enough for a copy to take a while on a GPU

std::vector<int> read(DeviceMemory &memory, Stream &stream) {
  std::vector<int> numbers(kCount);
  memory.begin_use(stream);
  stream.copy(numbers.data(), memory.data(), kCount * sizeof(int));
  memory.end_use(stream);
  stream.wait();
  return numbers;
}

void write(DeviceMemory &memory, Stream &stream, int first) {
  memory.begin_use(stream);
  stream.copy(memory.data(), ramp(kCount, first).data(), kCount * sizeof(int));
  memory.end_use(stream);
}

std::vector<Device *> all_devices() {
  std::vector<Device *> all = test::devices();
  all.push_back(&host_device());
  return all;
}

}  // namespace

TEST_CASE("arrays: up, down, moved, empty") {
  for (Device *device : all_devices()) {
    INFO(test::name_of(*device));
    const auto stream = device->make_stream();
    CHECK(&stream->device() == device);
    std::vector<int> numbers = ramp(1000, 5);
    Array<int> a(numbers, *stream);
    numbers.assign(1000, 0);  // may be changed at once
    Array<int> b(1000, *stream);
    stream->copy(b.data(), a.data(), 1000 * sizeof(int));
    CHECK(b.download() == ramp(1000, 5));
    a = std::move(b);
    CHECK(a.download() == ramp(1000, 5));
    CHECK(Array<int>(0, *stream).download().empty());
    CHECK(Array<int>(std::vector<int>{}, *stream).download().empty());
  }
}

TEST_CASE("what one stream writes another reads, when the uses say so, and the memory lives as long") {
  for (Device *device : all_devices()) {
    INFO(test::name_of(*device));
    const auto writer = device->make_stream(), reader = device->make_stream();
    auto memory = std::make_shared<DeviceMemory>(kCount * sizeof(int), writer);
    CHECK(&memory->device() == device);
    write(*memory, *writer, 1);
    CHECK(read(*memory, *reader) == ramp(kCount, 1));
    write(*memory, *reader, 2);  // not before the readers are done
    CHECK(read(*memory, *writer) == ramp(kCount, 2));

    // Read by two at once, gone before either has begun; what comes next on its own stream may take its
    // place.
    const auto second = device->make_stream();
    std::vector<int> one(kCount), two(kCount);
    memory->begin_use(*reader);
    memory->begin_use(*second);
    reader->copy(one.data(), memory->data(), kCount * sizeof(int));
    second->copy(two.data(), memory->data(), kCount * sizeof(int));
    memory->end_use(*reader);
    memory->end_use(*second);
    memory = nullptr;
    const Array<int> next(ramp(kCount, 9), *writer);
    CHECK(next.download() == ramp(kCount, 9));
    second->wait();
    CHECK(two == ramp(kCount, 2));
    reader->wait();
    CHECK(one == ramp(kCount, 2));
  }
}

TEST_CASE("somebody else's memory is let go of behind its last use") {
  for (Device *device : all_devices()) {
    INFO(test::name_of(*device));
    const auto home = device->make_stream(), reader = device->make_stream();
    const auto owned = std::make_shared<Array<int>>(ramp(kCount, 3), *home);
    bool gone = false;
    // Like a caching allocator: the memory may be used again at once, in the order of `home`.
    const std::shared_ptr<void> holder(owned.get(), [&](void *) {
      gone = true;
      home->copy(owned->data(), ramp(kCount, 100).data(), kCount * sizeof(int));
    });
    auto memory = std::make_unique<DeviceMemory>(owned->data(), holder, home);
    const_cast<std::shared_ptr<void> &>(holder).reset();
    memory->begin_use(*home), memory->end_use(*home);  // it is ready
    std::vector<int> numbers(kCount);
    memory->begin_use(*reader);
    reader->copy(numbers.data(), memory->data(), kCount * sizeof(int));
    memory->end_use(*reader);
    CHECK_FALSE(gone);
    memory = nullptr;
    CHECK(gone);
    home->wait();
    reader->wait();
    CHECK(numbers == ramp(kCount, 3));
    CHECK(owned->download() == ramp(kCount, 100));
  }
}

TEST_CASE("uses from several threads") {
  for (Device *device : all_devices()) {
    INFO(test::name_of(*device));
    const auto home = device->make_stream();
    auto memory = std::make_shared<DeviceMemory>(kCount * sizeof(int), home);
    write(*memory, *home, 4);
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
      threads.emplace_back([&, memory] {
        const auto stream = device->make_stream();
        for (int i = 0; i < 20; i++) right += read(*memory, *stream) == ramp(kCount, 4);
      });
    memory = nullptr;
    for (std::thread &t : threads) t.join();
    CHECK(right == 80);
  }
}

TEST_CASE("the lazy device shows what a GPU would only show now and then") {
  test::LazyDevice device;
  {
    const auto writer = device.make_stream(), reader = device.make_stream();
    DeviceMemory memory(kCount * sizeof(int), writer);
    write(memory, *writer, 1);
    std::vector<int> numbers(kCount, -1);
    reader->copy(numbers.data(), memory.data(), kCount * sizeof(int));  // no use: the order is open
    CHECK(numbers == std::vector<int>(kCount, -1));                     // nobody has waited
    reader->wait();
    CHECK(numbers == std::vector<int>(kCount, int(0xd5d5d5d5)));
    CHECK(device.allocations() == 1);
  }
  CHECK(device.allocations() == 0);
}

TEST_CASE("a device that is not there is null") {
  CHECK(cuda_device(-1) == nullptr);
  CHECK(cuda_device(1000) == nullptr);
  CHECK((cuda() == nullptr) == (cuda_device(0) == nullptr));
}

TEST_CASE("a GPU has the kernels that compressing calls, and leaves out those that are the host's") {
  for (Device *device : test::devices()) {
    const Kernels &k = device->kernels();
    INFO(k.name);
    CHECK((k.norms && k.similarity && k.components && k.nearest && k.means && k.convert && k.preprocess));
    CHECK_FALSE((k.tree || k.change || k.histogram || k.matvec || k.attention));
  }
}
