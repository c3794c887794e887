// Models shared per process: one instance for the same checkpoint and placement while it is held.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "models/checkpoint.h"
#include "models/placement.h"

namespace vtok {

template <class Model>
class Instances {
  struct Slot {
    std::mutex loading;  // held while one caller loads, so that a second one waits for it and takes the same
    std::weak_ptr<Model> model;
  };
  using Key = std::tuple<std::string, int, Type, Quantization>;  // checkpoint's real path; the placement
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Slot>> slots_;

 public:
  template <class Make>
  std::shared_ptr<Model> get(const Checkpoint &checkpoint, const Placement &placement, Make &&make) {
    std::shared_ptr<Slot> slot;
    {
      const std::lock_guard lock(mutex_);
      auto &entry = slots_[{checkpoint.folder, placement.device, placement.type, placement.quantization}];
      if (!entry) entry = std::make_shared<Slot>();
      slot = entry;
    }
    const std::lock_guard lock(slot->loading);
    auto model = slot->model.lock();
    if (!model) slot->model = model = make();
    return model;
  }
};

}  // namespace vtok
