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

class FileMapping;

/// The tensors of one or several files; views stay valid while `files` lives.
struct Safetensors {
  std::map<std::string, TensorView> tensors;
  std::vector<std::shared_ptr<const FileMapping>> files;

  /// Maps all of a view's pages in now, from the page cache or the disk: else its first use does, 64 KB at a time.
  void make_resident(std::span<const std::byte> view) const;
  /// Takes a view's whole pages out of this process's memory, for who has copied it. Whoever looks at it again finds it
  /// unchanged: it is read from the file once more.
  void let_go(std::span<const std::byte> view) const;
};

/// Parses one file's bytes (little-endian length, JSON header, data). Throws std::runtime_error; trusts nothing.
std::map<std::string, TensorView> parse_safetensors(std::span<const std::byte> file, const std::string &name);
/// model.safetensors, or the shards named by model.safetensors.index.json.
Safetensors open_safetensors(const std::string &folder);

}  // namespace vtok
