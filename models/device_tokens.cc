// Tokens in the memory of a device, and the stream of a method that works on them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/device_tokens.h"

#include <stdexcept>

#include "models/error.h"

namespace vtok {
namespace {

Number number_of(const Tokens &tokens, Type type) {
  switch (type) {
    case Type::kFloat32:
      return Number::kFloat32;
    case Type::kFloat16:
      return Number::kFloat16;
    case Type::kBfloat16:
      return Number::kBfloat16;
    default:
      throw BadTokens(std::string(type_name(type)) + " tokens in memory of CUDA device " +
                      std::to_string(tokens.device()) + ", expected float32, float16 or bfloat16 there");
  }
}

Tokens convert(const Tokens &tokens, Type type, const std::shared_ptr<Stream> &stream) {
  const Number from = number_of(tokens, tokens.type), to = number_of(tokens, type);
  void *memory;
  Tokens out = allocate_tokens(type, tokens.n, tokens.dim, stream, memory);
  out.records = tokens.records;
  out.levels = tokens.levels;
  const Use reading(tokens, *stream), writing(out, *stream);
  stream->device().kernels().convert({.x = tokens.data.get(),
                                      .from = from,
                                      .to = to,
                                      .count = int64_t(tokens.n) * tokens.dim,
                                      .out = memory},
                                     stream.get());
  return out;
}

// Throws unless the device has the kernels that methods call wherever the tokens lie.
void check_kernels(const Device &device) {
  const Kernels &k = device.kernels();
  const char *missing = !k.norms        ? "norms"
                        : !k.components ? "components"
                        : !k.nearest    ? "nearest"
                        : !k.means      ? "means"
                        : !k.convert    ? "convert"
                                        : nullptr;
  if (missing)
    throw std::runtime_error("device " + std::to_string(device.ordinal()) + " has no kernel '" + missing +
                             "', so tokens cannot be compressed there");
}

}  // namespace

const std::shared_ptr<Stream> &OwnStream::on(const Tokens &tokens) {
  Device &device = tokens.memory ? tokens.memory->device() : host_device();
  if (!stream_ || &stream_->device() != &device) {
    check_kernels(device);
    stream_ = device.make_stream();
  }
  return stream_;
}

Tokens allocate_tokens(Type type, int n, int dim, const std::shared_ptr<Stream> &stream, void *&writable) {
  if (stream->device().ordinal() < 0) return allocate_tokens(type, n, dim, writable);
  Tokens tokens{.type = type, .n = n, .dim = dim};
  tokens.memory = std::make_shared<DeviceMemory>(tokens.bytes(), stream);
  tokens.data = {tokens.memory, writable = tokens.memory->data()};
  tokens.records.resize(size_t(n));
  return tokens;
}

Tokens to_float32(const Tokens &tokens, const std::shared_ptr<Stream> &stream) {
  if (!tokens.memory) return to_float32(tokens);
  return tokens.type == Type::kFloat32 ? tokens : convert(tokens, Type::kFloat32, stream);
}

Tokens from_float32(const Tokens &tokens, Type type, const std::shared_ptr<Stream> &stream) {
  if (!tokens.memory) return from_float32(tokens, type);
  return type == Type::kFloat32 ? tokens : convert(tokens, type, stream);
}

Tokens first_level(const Tokens &tokens, const std::shared_ptr<Stream> &stream) {
  if (tokens.levels == 1) return tokens;
  if (tokens.levels < 1 || tokens.dim % tokens.levels != 0)
    throw std::invalid_argument("tokens of " + std::to_string(tokens.dim) + " numbers cannot have " +
                                std::to_string(tokens.levels) + " levels");
  void *memory;
  Tokens out = allocate_tokens(tokens.type, tokens.n, tokens.dim / tokens.levels, stream, memory);
  out.records = tokens.records;
  const size_t row = tokens.n > 0 ? out.bytes() / size_t(tokens.n) : 0;
  const Use reading(tokens, *stream), writing(out, *stream);
  stream->copy_rows(memory, row, tokens.data.get(), row * size_t(tokens.levels), row, size_t(tokens.n));
  return out;
}

Tokens to_host(const Tokens &tokens) {
  if (!tokens.memory) return tokens;
  Stream &stream = *tokens.memory->home();
  void *memory;
  Tokens out = allocate_tokens(tokens.type, tokens.n, tokens.dim, memory);
  out.records = tokens.records;
  out.levels = tokens.levels;
  {
    const Use reading(tokens, stream);
    stream.copy(memory, tokens.data.get(), tokens.bytes());
  }
  stream.wait();
  return out;
}

Tokens to_device(const Tokens &tokens, const std::shared_ptr<Stream> &stream) {
  if (tokens.memory) throw std::invalid_argument("tokens are in device memory already, expected host memory");
  void *memory;
  Tokens out = allocate_tokens(tokens.type, tokens.n, tokens.dim, stream, memory);
  out.records = tokens.records;
  out.levels = tokens.levels;
  const Use writing(out, *stream);
  stream->copy(memory, tokens.data.get(), tokens.bytes());
  return out;
}

}  // namespace vtok
