// A copy of a golden checkpoint that a test may spoil, and the safetensors files it needs for that.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/json.h"
#include "models/safetensors.h"

namespace vtok {

struct OwnedTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};
using OwnedTensors = std::map<std::string, OwnedTensor>;

inline std::string safetensors_bytes(const OwnedTensors &tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const auto &[name, tensor] : tensors) {
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char *>(&length), sizeof length) + text + data;
}

inline void write_text(const std::filesystem::path &path, const std::string &text) {
  std::ofstream(path, std::ios::binary).write(text.data(), std::streamsize(text.size()));
}

/// Removed with everything in it when it goes.
class Scratch {
  std::filesystem::path folder_;

 public:
  explicit Scratch(const std::string &layout = "llava-onevision") {
    std::string pattern = (std::filesystem::temp_directory_path() / "vtok-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("cannot make a temporary folder");
    folder_ = pattern;
    if (!layout.empty())
      for (const auto &file :
           std::filesystem::directory_iterator(std::string(VTOK_GOLDEN) + "/" + layout + "/checkpoint"))
        write_text(folder_ / file.path().filename(), read_text(file.path().string()));
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  Scratch(const Scratch &) = delete;

  std::string folder() const { return folder_.string(); }
  std::filesystem::path path(const std::string &file) const { return folder_ / file; }
  void edit(const std::string &file, const std::function<void(nlohmann::json &)> &change) const {
    nlohmann::json value = read_json_object(path(file).string());
    change(value);
    write_text(path(file), value.dump());
  }
  void edit_tensors(const std::function<void(OwnedTensors &)> &change) const {
    OwnedTensors tensors;
    {
      const Safetensors file = open_safetensors(folder());
      for (const auto &[name, view] : file.tensors)
        tensors[name] = {
            view.dtype, view.shape, {reinterpret_cast<const char *>(view.data.data()), view.data.size()}};
    }
    change(tensors);
    write_text(path("model.safetensors"), safetensors_bytes(tensors));
  }
};

/// What the exception says; "none" where there is none.
inline std::string refusal(const std::function<void()> &action) {
  try {
    action();
  } catch (const std::exception &error) {
    return error.what();
  }
  return "none";
}

}  // namespace vtok
