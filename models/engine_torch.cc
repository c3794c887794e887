// The vtok-torch module's one door: an Engine whose encoders and language models run on LibTorch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

#include "models/encoders/exported.h"
#include "models/encoders/frames.h"
#include "models/encoders/qwen_vl.h"
#include "models/engine.h"
#include "models/llms/torch.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

/// The CUDA driver, asked without LibTorch's CUDA half, which takes seconds to load.
struct Driver {
  int devices = 0;
  std::string missing;                          // where there are no devices
  int (*attribute)(int *, int, int) = nullptr;  // cuDeviceGetAttribute

  Driver() {
    void *library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
      missing = "no NVIDIA driver (libcuda.so.1)";
      return;
    }
    const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(library, "cuInit"));
    const auto count = reinterpret_cast<int (*)(int *)>(dlsym(library, "cuDeviceGetCount"));
    attribute = reinterpret_cast<int (*)(int *, int, int)>(dlsym(library, "cuDeviceGetAttribute"));
    const int code = init && count && attribute ? init(0) : -1;
    if (code != 0 || count(&devices) != 0) devices = 0;
    if (devices == 0) missing = "an NVIDIA driver without GPUs (cuInit answers " + std::to_string(code) + ")";
  }
};

const Driver &driver() {
  static const Driver instance;
  return instance;
}

/// LibTorch's CUDA half: libtorch_cuda.so lies beside libtorch_cpu.so where the full wheel is installed.
struct TorchCuda {
  std::string missing;  // empty: it is there and works

  TorchCuda() {
    Dl_info place;
    if (!dladdr(reinterpret_cast<const void *>(&at::get_num_threads), &place)) {
      missing = "LibTorch's folder is not known";
      return;
    }
    const auto beside = std::filesystem::path(place.dli_fname).parent_path() / "libtorch_cuda.so";
    if (!dlopen(beside.c_str(), RTLD_NOW | RTLD_GLOBAL))
      missing = dlerror();
    else if (!at::hasCUDA())
      missing = "LibTorch cannot use CUDA with this driver";
  }
};

const TorchCuda &torch_cuda() {
  static const TorchCuda instance;
  return instance;
}

template <class T>
std::shared_ptr<Encoder> make(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                              const Progress &progress) {
  return in_sentences([&] { return std::make_shared<T>(std::move(checkpoint), placement, progress); });
}

/// The encoders of the families in models/family.cc.
struct EncoderRow {
  const char *family;
  std::shared_ptr<Encoder> (*make)(std::shared_ptr<const Checkpoint>, const Placement &, const Progress &);
};
constexpr EncoderRow kEncoders[] = {{"llava_onevision", make<FrameEncoder>},
                                     {"llava", make<FrameEncoder>},
                                     {"llava_next_video", make<FrameEncoder>},
                                     {"smolvlm", make<FrameEncoder>},
                                     {"internvl", make<FrameEncoder>},
                                     {"qwen2_vl", make<QwenVl>},
                                     {"qwen2_5_vl", make<QwenVl>},
                                     {"qwen3_vl", make<QwenVl>},
                                     {kExported, make<ExportedEncoder>}};

std::string gpus(int count) { return count == 1 ? "1 GPU" : std::to_string(count) + " GPUs"; }

class TorchEngine : public Engine {
 public:
  int cuda_devices() const override {
    return driver().devices > 0 && torch_cuda().missing.empty() ? driver().devices : 0;
  }
  std::string cuda_found() const override {
    if (driver().devices == 0) return driver().missing;
    const std::string &missing = torch_cuda().missing;
    return gpus(driver().devices) + (missing.empty() ? "" : ", but " + missing);
  }
  bool fast_bfloat16(int device) const override {
    constexpr int kComputeCapabilityMajor = 75;  // cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    int major = 0;
    return cuda_devices() > device && driver().attribute(&major, kComputeCapabilityMajor, device) == 0 &&
           major >= 8;
  }
  std::shared_ptr<Encoder> make_encoder(std::shared_ptr<const Checkpoint> checkpoint,
                                        const Placement &placement, const Progress &progress) override {
    check(placement);
    for (const EncoderRow &row : kEncoders)
      if (checkpoint->family == row.family) return row.make(std::move(checkpoint), placement, progress);
    throw std::runtime_error("the module vtok-torch has no encoder for model_type '" + checkpoint->family +
                             "'");
  }
  std::shared_ptr<Llm> make_llm(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                                const Progress &progress) override {
    check(placement);
    return in_sentences(
        [&] { return std::make_shared<TorchLlm>(std::move(checkpoint), placement, progress); });
  }

 private:
  void check(const Placement &placement) const {
    if (placement.device >= 0 && placement.device >= cuda_devices())
      throw std::runtime_error("there is no cuda:" + std::to_string(placement.device) + ", found " +
                               cuda_found());
  }
};

}  // namespace
}  // namespace vtok

extern "C" __attribute__((visibility("default"))) vtok::Engine *vtok_torch_engine(int version) {
  static vtok::TorchEngine engine;
  return version == vtok::kEngineVersion ? &engine : nullptr;
}
