// Reads safetensors files: headers checked completely, data memory-mapped and never copied.
// SPDX-License-Identifier: LGPL-2.1-or-later
// Format: https://github.com/huggingface/safetensors: u64 header length, JSON header, data without holes or
// overlaps.
#include "models/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "models/json.h"

namespace vtok {

class FileMapping {
  void *address = nullptr;
  size_t size = 0;

 public:
  explicit FileMapping(const std::string &path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
    struct stat status;
    const bool regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    size = regular ? size_t(status.st_size) : 0;
    if (size) address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    const int mapping_error = errno;
    close(file);
    if (!size) throw std::runtime_error(path + (regular ? " is empty" : " is not a file"));
    if (address == MAP_FAILED)
      throw std::runtime_error("cannot map " + path + ": " + std::strerror(mapping_error));
  }
  ~FileMapping() { munmap(address, size); }
  FileMapping(const FileMapping &) = delete;
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte *>(address), size}; }
  bool holds(std::span<const std::byte> part) const {
    return part.data() >= bytes().data() && part.data() + part.size() <= bytes().data() + size;
  }
};

namespace {

constexpr uint64_t kHeaderBytes = 100'000'000;  // the format's own limit

struct DTypeSize {
  const char *name;
  uint64_t bytes;
};
constexpr DTypeSize kDTypes[] = {{"F32", 4}, {"BF16", 2}, {"F16", 2},  {"F64", 8},     {"I8", 1},
                                 {"U8", 1},  {"I16", 2},  {"U16", 2},  {"I32", 4},     {"U32", 4},
                                 {"I64", 8}, {"U64", 8},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};

[[noreturn]] void fail(const std::string &name, const std::string &what) {
  throw std::runtime_error(name + ": " + what);
}

uint64_t dtype_size(const std::string &dtype, const std::string &where) {
  for (const auto &row : kDTypes)
    if (dtype == row.name) return row.bytes;
  fail(where, "unknown number type '" + dtype + "'");
}

/// Rejects what does not fit 63 bits, so that sums and products below can be checked against the file's size.
uint64_t whole_number(const nlohmann::json &value, const std::string &where) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t(INT64_MAX))
    fail(where, "expected a whole number of at least 0, found " + value.dump());
  return value.get<uint64_t>();
}

TensorView view_of(const nlohmann::json &entry, std::span<const std::byte> data, const std::string &where) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !entry["shape"].is_array() || !entry.contains("data_offsets") ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2)
    fail(where, "expected dtype, shape and two data_offsets");
  TensorView view;
  view.dtype = entry["dtype"].get<std::string>();
  uint64_t bytes = dtype_size(view.dtype, where);
  for (const auto &axis : entry["shape"]) {
    const uint64_t length = whole_number(axis, where);
    if (__builtin_mul_overflow(bytes, length, &bytes)) fail(where, "its shape overflows");
    view.shape.push_back(int64_t(length));
  }
  const uint64_t begin = whole_number(entry["data_offsets"][0], where);
  const uint64_t end = whole_number(entry["data_offsets"][1], where);
  if (begin > end || end > data.size())
    fail(where, "its data are bytes " + std::to_string(begin) + " to " + std::to_string(end) +
                    ", but the file has " + std::to_string(data.size()) +
                    " bytes of data: it is truncated or corrupt");
  if (end - begin != bytes)
    fail(where, "has " + std::to_string(end - begin) + " bytes of data, its shape and type need " +
                    std::to_string(bytes));
  view.data = data.subspan(begin, bytes);
  return view;
}

/// Every byte of the data belongs to exactly one tensor.
void check_layout(const std::map<std::string, TensorView> &tensors, std::span<const std::byte> data,
                  const std::string &name) {
  std::vector<std::span<const std::byte>> parts;
  for (const auto &[_, view] : tensors)
    if (!view.data.empty()) parts.push_back(view.data);
  std::sort(parts.begin(), parts.end(), [](auto a, auto b) { return a.data() < b.data(); });
  const std::byte *next = data.data();
  for (const auto part : parts) {
    if (part.data() != next)
      fail(name, std::string(part.data() < next ? "two tensors share" : "no tensor owns") +
                     " the data at byte " + std::to_string(std::min(part.data(), next) - data.data()));
    next = part.data() + part.size();
  }
  if (const auto used = uint64_t(next - data.data()); used != data.size())
    fail(name,
         "has " + std::to_string(data.size()) + " bytes of data, its tensors need " + std::to_string(used));
}

void add_file(Safetensors &all, const std::string &path) {
  auto mapping = std::make_shared<FileMapping>(path);
  for (auto &[name, view] : parse_safetensors(mapping->bytes(), path))
    if (!all.tensors.emplace(name, std::move(view)).second)
      fail(path, "tensor " + name + " is in another file too");
  all.files.push_back(std::move(mapping));
}

/// Advises on the pages that lie in `view`: all that it touches, or those that are its own alone.
void advise(const Safetensors &all, std::span<const std::byte> view, int advice, bool own) {
  static const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  if (std::none_of(all.files.begin(), all.files.end(), [&](const auto &file) { return file->holds(view); })) return;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(view.data()), end = begin + view.size(), gap = page - 1;
  const uintptr_t from = (own ? begin + gap : begin) & ~gap, to = (own ? end : end + gap) & ~gap;
  // Advice that an older system does not know changes nothing but speed.
  if (from < to) madvise(reinterpret_cast<void *>(from), to - from, advice);
}

}  // namespace

void Safetensors::make_resident(std::span<const std::byte> view) const { advise(*this, view, MADV_POPULATE_READ, false); }
void Safetensors::let_go(std::span<const std::byte> view) const { advise(*this, view, MADV_DONTNEED, true); }

std::map<std::string, TensorView> parse_safetensors(std::span<const std::byte> file,
                                                    const std::string &name) {
  static_assert(std::endian::native == std::endian::little, "tensors are used as they lie in the file");
  uint64_t length = 0;
  if (file.size() < sizeof length) fail(name, "is truncated: " + std::to_string(file.size()) + " bytes");
  std::memcpy(&length, file.data(), sizeof length);
  const auto rest = file.subspan(sizeof length);
  if (length > kHeaderBytes || length > rest.size())
    fail(name, "its header claims " + std::to_string(length) + " bytes and the file has " +
                   std::to_string(rest.size()) + " after it: it is truncated or no safetensors file");
  const std::string_view text(reinterpret_cast<const char *>(rest.data()), length);
  const nlohmann::json header = parse_json(text, name + ": the header");
  if (!header.is_object()) fail(name, "the header is no object");
  const auto data = rest.subspan(length);
  std::map<std::string, TensorView> tensors;
  for (const auto &[key, entry] : header.items())
    if (key != "__metadata__") tensors.emplace(key, view_of(entry, data, name + ": tensor " + key));
  check_layout(tensors, data, name);
  return tensors;
}

Safetensors open_safetensors(const std::string &folder) {
  const std::filesystem::path root(folder);
  Safetensors all;
  if (const auto single = root / "model.safetensors"; std::filesystem::exists(single)) {
    add_file(all, single.string());
    return all;
  }
  const std::string path = (root / "model.safetensors.index.json").string();
  if (!std::filesystem::exists(path))
    throw std::runtime_error("the folder " + folder +
                             " has neither model.safetensors nor model.safetensors.index.json");
  const nlohmann::json index = read_json_object(path);
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object()) fail(path, "expected an object weight_map");
  std::set<std::string> shards;
  for (const auto &[tensor, shard] : map->items()) {
    // A plain file name: an index must not lead out of its folder.
    if (!shard.is_string() ||
        std::filesystem::path(shard.get<std::string>()).filename() != shard.get<std::string>())
      fail(path, "tensor " + tensor + " is in " + shard.dump() + ", expected a file name");
    shards.insert(shard.get<std::string>());
  }
  for (const auto &shard : shards) add_file(all, (root / shard).string());
  for (const auto &[tensor, shard] : map->items())
    if (!all.tensors.contains(tensor))
      fail(path, "names tensor " + tensor + ", which " + shard.dump() + " lacks");
  return all;
}

}  // namespace vtok
