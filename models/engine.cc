// The door to LibTorch: what the vtok-torch module offers, opened when an element first needs a model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/engine.h"

#include <dlfcn.h>

#include <mutex>
#include <stdexcept>

#include "models/installation.h"

namespace vtok {

Engine &open_engine(const std::string &path) {
  // Never closed: LibTorch has threads and thread-local state that outlive any model.
  void *module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) throw std::runtime_error("the module vtok-torch cannot be loaded: " + std::string(dlerror()));
  const auto factory = reinterpret_cast<EngineFactory>(dlsym(module, "vtok_torch_engine"));
  Engine *engine = factory ? factory(kEngineVersion) : nullptr;
  if (!engine) {
    dlclose(module);
    throw std::runtime_error(path + " is no vtok-torch module of version " + std::to_string(kEngineVersion) +
                             ", install it from the same release as the plugin");
  }
  return *engine;
}

Engine &engine() {
  static std::mutex mutex;
  static Engine *opened = nullptr;
  const std::lock_guard lock(mutex);
  // A failure is tried again: the module may be installed meanwhile.
  if (!opened) opened = &open_engine(engine_module());
  return *opened;
}

}  // namespace vtok
