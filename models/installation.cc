// Where the parts that are not in the plugin lie: beside it, in the build tree or installed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/installation.h"

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "models/folders.h"  // written by meson: kBuildRoot, kSourceRoot, kPluginsFolder, kModuleFolder, kModelsFolder

namespace vtok {
namespace {

namespace fs = std::filesystem;

/// Folder of the shared object (or program) that this code is linked into.
fs::path own_folder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void *>(&own_folder), &info) || !info.dli_fname) return {};
  std::error_code failed;
  const fs::path own = fs::canonical(info.dli_fname, failed);
  return failed ? fs::path() : own.parent_path();
}

bool within(const fs::path &path, const fs::path &root) {
  const fs::path relative = path.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

/// Looks in the build tree where this code runs from there; else at the same place from the plugin as when
/// installed (a prefix may have been moved as a whole), and last in the prefix it was configured for.
std::string find(const fs::path &built, const char *installed_folder, const fs::path &file,
                 const std::string &what) {
  const fs::path own = own_folder();
  std::vector<fs::path> places;
  if (within(own, fs::weakly_canonical(kBuildRoot)))
    places.push_back(built);
  else
    places = {(own / fs::path(installed_folder).lexically_relative(kPluginsFolder) / file).lexically_normal(),
              fs::path(installed_folder) / file};
  std::string tried;
  for (const fs::path &place : places) {
    std::error_code failed;
    if (fs::exists(place, failed)) return place.string();
    tried += (tried.empty() ? "" : ", ") + place.string();
  }
  throw std::runtime_error(what + " is not installed: there is no " + tried);
}

}  // namespace

std::string shipped_model(const std::string &name) {
  return find(fs::path(kSourceRoot) / "models" / name, kModelsFolder, name,
              "the shipped model '" + name + "'");
}

std::string engine_module() {
  const char *file = "libvtok-torch.so";
  return find(fs::path(kBuildRoot) / "models" / file, kModuleFolder, file, "the module vtok-torch");
}

std::string libtorch_stand_in() {
  const char *file = "libvtok-libtorch.so";
  return find(fs::path(kBuildRoot) / "models" / file, kModuleFolder, file, "the stand-in for libtorch.so");
}

}  // namespace vtok
