// A program that a user exported: TorchScript or an AOTInductor package.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/program.h"

#include <ATen/Parallel.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "models/installation.h"
#include "models/layers.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

class Script : public Program {
  torch::jit::Module module_;

 public:
  Script(const std::string &path, const Placement &placement)
      : module_(torch::jit::load(path, torch_device(placement))) {
    module_.eval();
  }
  at::Tensor operator()(const at::Tensor &in) override {
    const c10::IValue out = module_.forward({in});
    if (!out.isTensor())
      throw std::runtime_error("it answers with " + out.tagKind() + ", expected one tensor");
    return out.toTensor();
  }
};

class Package : public Program {
  torch::inductor::AOTIModelPackageLoader loader_;

 public:
  static constexpr const char *kModel = "model";  // what torch._inductor.aoti_compile_and_package calls it
  Package(const std::string &path, const Placement &placement)
      : loader_(path, kModel, false, 1, c10::DeviceIndex(placement.device)) {}
  at::Tensor operator()(const at::Tensor &in) override {
    const std::vector<at::Tensor> out = loader_.run({in});
    if (out.size() != 1)
      throw std::runtime_error("it answers with " + std::to_string(out.size()) + " tensors, expected one");
    return out[0];
  }
};

/// Whether the processor has all that `names` says, such as "AVX512 AVX512_VNNI".
bool processor_has([[maybe_unused]] const std::string &names) {
#ifdef __x86_64__
  const auto needs = [&](const char *name) { return names.find(name) != std::string::npos; };
  if (needs("AVX2") && !__builtin_cpu_supports("avx2")) return false;
  if (needs("AVX512") && !__builtin_cpu_supports("avx512f")) return false;
  if (needs("AVX512_VNNI") && !__builtin_cpu_supports("avx512vnni")) return false;
#endif
  return true;
}

/// Packages name libtorch.so, which is empty and pulls in all of LibTorch.
void open_libtorch() {
  static constexpr const char *kName = "libtorch.so";
  if (dlopen(kName, RTLD_LAZY | RTLD_NOLOAD)) return;
  Dl_info place;
  if (dladdr(reinterpret_cast<const void *>(&at::get_num_threads), &place))
    if (dlopen((std::filesystem::path(place.dli_fname).parent_path() / kName).c_str(), RTLD_LAZY)) return;
  if (!dlopen(libtorch_stand_in().c_str(), RTLD_LAZY)) throw std::runtime_error(dlerror());
}

/// A package is machine code for one kind of device.
void check_device(const std::string &path, const Placement &placement) {
  const auto facts =
      torch::inductor::AOTIModelPackageLoader::load_metadata_from_package(path, Package::kModel);
  const auto device = facts.find("AOTI_DEVICE_KEY");
  const std::string here = placement.device < 0 ? "cpu" : "cuda";
  if (device != facts.end() && device->second != here)
    throw std::runtime_error("it was compiled for " + device->second + ", expected " + here);
  const auto needed = facts.find("AOTI_CPU_ISA");
  if (here == "cpu" && needed != facts.end() && !processor_has(needed->second))
    throw std::runtime_error("it was compiled for a processor with " + needed->second +
                             ", which this one lacks");
}

std::unique_ptr<Program> load(const std::string &path, const Placement &placement) {
  std::vector<std::string> records;
  try {
    records = caffe2::serialize::PyTorchStreamReader(path).getAllRecords();
  } catch (const c10::Error &) {
    throw std::runtime_error(
        "it is no whole archive of PyTorch's, expected TorchScript or an AOTInductor package");
  }
  const auto holds = [&](const char *start) {
    return std::any_of(records.begin(), records.end(),
                       [&](const std::string &name) { return name.starts_with(start); });
  };
  if (holds("data/aotinductor/")) {
    check_device(path, placement);
    open_libtorch();
    return std::make_unique<Package>(path, placement);
  }
  if (holds("code/")) return std::make_unique<Script>(path, placement);
  if (holds("models/"))
    throw std::runtime_error(
        "it is an exported program, which LibTorch cannot run from C++: compile it with "
        "torch._inductor.aoti_compile_and_package, or save the model with torch.jit.trace");
  throw std::runtime_error(
      "it holds data alone (torch.save), expected TorchScript or an AOTInductor package");
}

}  // namespace

std::unique_ptr<Program> load_program(const std::string &path, const Placement &placement) {
  try {
    return load(path, placement);
  } catch (...) {
    throw std::runtime_error(path + " cannot be loaded: " + sentence(std::current_exception()));
  }
}

}  // namespace vtok
