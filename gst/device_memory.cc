// Tokens on a device as a GstMemory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/device_memory.h"

#include <exception>
#include <mutex>

#include "models/device_tokens.h"

namespace vtok {
namespace {

constexpr const char *kName = "VtokDeviceMemory";

struct Block {
  GstMemory memory;  // first: a GstMemory is what others see
  Tokens tokens;
  std::mutex mutex;
  Tokens copy;  // in host memory, once somebody has mapped it

  static Block *of(GstMemory *memory) { return reinterpret_cast<Block *>(memory); }
};

constexpr int kMapCuda = GST_MAP_FLAG_LAST << 1;  // GST_MAP_CUDA of gst/cuda/gstcudamemory.h

/// Waits for the work that writes the tokens.
void wait_for(const Tokens &tokens) {
  Stream &stream = *tokens.memory->home();
  { const Use reading(tokens, stream); }
  stream.wait();
}

gpointer map(GstMemory *memory, gsize, GstMapFlags flags) {
  Block *block = Block::of(memory);
  try {
    if (flags & kMapCuda) {
      wait_for(block->tokens);
      return const_cast<void *>(block->tokens.data.get());
    }
    const std::lock_guard lock(block->mutex);
    if (!block->copy.data) block->copy = to_host(block->tokens);
    return const_cast<void *>(block->copy.data.get());
  } catch (const std::exception &error) {
    GST_WARNING("tokens cannot be copied from their device: %s", error.what());
    return nullptr;
  }
}

void unmap(GstMemory *) {}

// The type's name may be taken already: by the plugin, where a program has a copy of this file linked in.
GType allocator_type() {
  static const GType type = [] {
    if (const GType known = g_type_from_name("GstVtokDeviceAllocator")) return known;
    return g_type_register_static_simple(
        GST_TYPE_ALLOCATOR, "GstVtokDeviceAllocator", sizeof(GstAllocatorClass),
        [](gpointer type_class, gpointer) {
          GST_ALLOCATOR_CLASS(type_class)->free = [](GstAllocator *, GstMemory *memory) {
            delete Block::of(memory);
          };
        },
        sizeof(GstAllocator),
        [](GTypeInstance *instance, gpointer) {
          GstAllocator *allocator = GST_ALLOCATOR_CAST(instance);
          allocator->mem_type = kName;
          allocator->mem_map = map;
          allocator->mem_unmap = unmap;
          allocator->mem_share = allocator->mem_copy;  // a part of it is host memory of its own
          GST_OBJECT_FLAG_SET(allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
          GST_OBJECT_FLAG_SET(allocator, GST_OBJECT_FLAG_MAY_BE_LEAKED);
        },
        GTypeFlags(0));
  }();
  return type;
}

GstAllocator *allocator() {
  static auto *instance =
      static_cast<GstAllocator *>(gst_object_ref_sink(g_object_new(allocator_type(), nullptr)));
  return instance;
}

}  // namespace

GstMemory *wrap_device(const Tokens &tokens) {
  auto *block = new Block{};
  block->tokens = tokens;
  block->tokens.records.clear();
  const size_t size = tokens.bytes();
  gst_memory_init(&block->memory, GST_MEMORY_FLAG_READONLY, allocator(), nullptr, size, 0, 0, size);
  return &block->memory;
}

const Tokens *device_tokens(GstMemory *memory) {
  return gst_memory_is_type(memory, kName) ? &Block::of(memory)->tokens : nullptr;
}

}  // namespace vtok
