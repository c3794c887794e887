// The door to LibTorch: opened when it is needed and not before, and clear about what it finds instead.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/engine.h"

#include <dlfcn.h>

#include <catch2/catch.hpp>

#include "models/installation.h"
#include "models/placement.h"
#include "scratch.h"

using namespace vtok;
using Catch::Contains;

TEST_CASE("what is no module of this version is refused by name") {
  const Scratch scratch("");
  const std::string none = scratch.path("libvtok-torch.so").string();
  CHECK_THAT(refusal([&] { open_engine(none); }),
             Contains("the module vtok-torch cannot be loaded") && Contains(none));
  write_text(none, "not a shared object");
  CHECK_THAT(refusal([&] { open_engine(none); }),
             Contains("the module vtok-torch cannot be loaded") && Contains(none));
  const std::string other = VTOK_OTHER_VERSION;  // a module that knows no version but another
  CHECK(refusal([&] { open_engine(other); }) == other + " is no vtok-torch module of version " +
                                                    std::to_string(kEngineVersion) +
                                                    ", install it from the same release as the plugin");
  CHECK_THAT(refusal([] { open_engine("libz.so.1"); }), Contains("libz.so.1 is no vtok-torch module"));
}

#ifdef VTOK_TORCH
TEST_CASE("the module is opened only when a model or a GPU is asked for") {
  const std::string module = engine_module();
  const auto loaded = [&] {
    void *handle = dlopen(module.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (handle) dlclose(handle);
    return handle != nullptr;
  };
  REQUIRE_FALSE(loaded());
  CHECK(resolve_placement("cpu", DType::kAuto).device == -1);
  CHECK(resolve_placement("cpu", DType::kFloat16).type == Type::kFloat16);
  CHECK_FALSE(loaded());
  const int gpus = engine().cuda_devices();
  CHECK(loaded());
  CHECK(resolve_placement("auto", DType::kAuto).device == (gpus ? 0 : -1));
  const std::string device = "cuda:" + std::to_string(gpus);
  CHECK_THAT(refusal([&] { resolve_placement(device, DType::kAuto); }),
             gpus ? Contains("device '" + device + "' is not there: this machine has " + std::to_string(gpus))
                  : Contains("device 'cuda:0' needs a GPU that LibTorch can use, found "));
  const auto tiny = open_checkpoint("tiny");
  const Placement absent{gpus, Type::kFloat32};
  CHECK_THAT(refusal([&] { engine().make_encoder(tiny, absent, {}); }), Contains("there is no " + device));
  CHECK_THAT(refusal([&] { engine().make_llm(tiny, absent, {}); }), Contains("there is no " + device));
}
#else
TEST_CASE("without the module the engine says what is missing, and the CPU needs no asking") {
  CHECK_THAT(refusal([] { engine(); }), Contains("the module vtok-torch is not installed: there is no"));
  CHECK(resolve_placement("cpu", DType::kAuto).device == -1);
}
#endif
