// Reads safetensors files: headers checked completely, data memory-mapped and never copied.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace vtok {

struct TensorView {
  std::string dtype;           // as in the file: "F32", "BF16", "F16", ...
  std::vector<int64_t> shape;  // row-major
  std::span<const std::byte> data;
};

/// The tensors of one or several files; views stay valid while `files` lives.
struct Safetensors {
  std::map<std::string, TensorView> tensors;
  std::vector<std::shared_ptr<const void>> files;  // the mappings
};

/// Parses one file's bytes (little-endian length, JSON header, data). Throws std::runtime_error; trusts nothing.
std::map<std::string, TensorView> parse_safetensors(std::span<const std::byte> file, const std::string &name);
/// model.safetensors, or the shards named by model.safetensors.index.json.
Safetensors open_safetensors(const std::string &folder);

}  // namespace vtok
