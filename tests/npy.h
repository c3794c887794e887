// Reads NumPy arrays: .npy files and .npz archives of them (deflated or stored).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace vtok::test {

struct Array {
  std::string type;           // as NumPy spells it: "<f4", "<f8", "<i4"
  std::vector<size_t> shape;  // empty: a scalar
  std::string bytes;
  template <class T>
  const T *as(const char *expected) const {
    if (type != expected) throw std::runtime_error("array of " + type + ", expected " + expected);
    return reinterpret_cast<const T *>(bytes.data());
  }
  const float *floats() const { return as<float>("<f4"); }
  const double *doubles() const { return as<double>("<f8"); }
  const int32_t *ints() const { return as<int32_t>("<i4"); }
};

inline std::string read_bytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline uint32_t little_endian(const std::string &s, size_t at, int bytes) {
  uint32_t x = 0;
  for (int i = bytes; i-- > 0;) x = x << 8 | uint8_t(s.at(at + size_t(i)));
  return x;
}

inline Array parse_npy(const std::string &file) {
  if (file.compare(0, 6, "\x93NUMPY") != 0) throw std::runtime_error("not a .npy file");
  const size_t length = little_endian(file, 8, 2);
  const std::string header = file.substr(10, length);
  Array a;
  const size_t descr = header.find("'descr': '") + 10;
  a.type = header.substr(descr, header.find('\'', descr) - descr);
  if (header.find("'fortran_order': False") == std::string::npos) throw std::runtime_error("not in C order");
  size_t at = header.find("'shape': (") + 10;
  for (const size_t end = header.find(')', at); at < end; at = header.find_first_of(",)", at) + 1)
    if (header.find_first_of("0123456789", at) < end)
      a.shape.push_back(std::stoul(header.substr(at)));
    else
      break;
  a.bytes = file.substr(10 + length);
  return a;
}

inline Array read_npy(const std::string &path) { return parse_npy(read_bytes(path)); }

inline std::map<std::string, Array> read_npz(const std::string &path) {
  const std::string zip = read_bytes(path);
  const size_t end = zip.rfind("PK\x05\x06");
  if (end == std::string::npos) throw std::runtime_error(path + " is no zip archive");
  std::map<std::string, Array> arrays;
  size_t at = little_endian(zip, end + 16, 4);
  for (uint32_t left = little_endian(zip, end + 10, 2); left-- > 0;) {
    const uint32_t method = little_endian(zip, at + 10, 2), packed = little_endian(zip, at + 20, 4);
    const uint32_t size = little_endian(zip, at + 24, 4), name = little_endian(zip, at + 28, 2);
    const size_t local = little_endian(zip, at + 42, 4);
    const size_t data = local + 30 + little_endian(zip, local + 26, 2) + little_endian(zip, local + 28, 2);
    std::string out(size, '\0');
    if (method == 0) {
      out = zip.substr(data, size);
    } else {
      z_stream z{};
      z.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(zip.data() + data));
      z.avail_in = packed;
      z.next_out = reinterpret_cast<Bytef *>(out.data());
      z.avail_out = size;
      if (inflateInit2(&z, -15) != Z_OK || inflate(&z, Z_FINISH) != Z_STREAM_END)
        throw std::runtime_error(path + " is damaged");
      inflateEnd(&z);
    }
    const std::string key = zip.substr(at + 46, name);
    arrays[key.substr(0, key.rfind(".npy"))] = parse_npy(out);
    at += 46 + name + little_endian(zip, at + 30, 2) + little_endian(zip, at + 32, 2);
  }
  return arrays;
}

}  // namespace vtok::test
