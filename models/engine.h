// The door to LibTorch: what the vtok-torch module offers, opened when an element first needs a model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <string>

#include "models/encoder.h"
#include "models/llm.h"

namespace vtok {

/// Implemented inside the module; one instance for the life of the process.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual int cuda_devices() const = 0;                      // usable GPUs; opens libtorch_cuda.so where it is there
  virtual std::string cuda_found() const = 0;                // the same in words, with what is missing where there are none
  virtual bool fast_bfloat16(int device) const = 0;          // of a GPU
  virtual std::shared_ptr<Encoder> make_encoder(std::shared_ptr<const Checkpoint>, const Placement &, const Progress &) = 0;
  virtual std::shared_ptr<Llm> make_llm(std::shared_ptr<const Checkpoint>, const Placement &, const Progress &) = 0;
};

inline constexpr int kEngineVersion = 3;
using EngineFactory = Engine *(*)(int version);  // extern "C" vtok_torch_engine; null: another version

/// Loads the module at `path`, for the life of the process. Throws std::runtime_error where it cannot be loaded or is
/// none of kEngineVersion.
Engine &open_engine(const std::string &path);
/// Loads the module beside the plugin (built or installed). Throws std::runtime_error where it is absent or unusable.
Engine &engine();

}  // namespace vtok
