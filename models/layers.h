// The parts models are made of: weights asked for by name and shape, linear layers, norms, rotary positions.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "models/checkpoint.h"
#include "models/config.h"
#include "models/encoder.h"
#include "models/large_memory.h"
#include "models/placement.h"

namespace vtok {

at::ScalarType scalar_type(Type type);  // throws std::invalid_argument for int8 and float8
at::Device torch_device(const Placement &placement);

/// Gives out a checkpoint's tensors in a placement's number type and on its device. A tensor that already has
/// the type stays where the file is mapped; any other is copied once, and its part of the mapping given back.
class Weights {
 public:
  /// Progress runs from 0 to 1 over the bytes of the tensors whose names begin with one of `prefixes`.
  Weights(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement, Progress progress,
          std::vector<std::string> prefixes);
  bool has(const std::string &name) const;
  /// Throws std::runtime_error naming the tensor, what was found and what was expected; Cancelled.
  at::Tensor get(const std::string &name, at::IntArrayRef shape);
  at::Tensor get_float(const std::string &name, at::IntArrayRef shape);  // float32: norms
  /// Several tensors one below the other: those of `rows[i]` rows, each of the shape `row`.
  at::Tensor joined(const std::vector<std::string> &names, const std::vector<int64_t> &rows, at::IntArrayRef row);
  const Placement &placement() const { return placement_; }
  /// On the CPU, of what the tensors given out that are no views of the file lie in.
  const std::shared_ptr<LargeMemory> &memory() const { return memory_; }

 private:
  /// The file's tensor, checked. Who has what it wants of it says done().
  struct Stored {
    at::Tensor mapped;
    std::span<const std::byte> bytes;
  };
  Stored find(const std::string &name, at::IntArrayRef shape);
  void done(const Stored &stored);
  at::Tensor load(const std::string &name, at::IntArrayRef shape, at::ScalarType type);
  at::Tensor fresh(at::IntArrayRef shape, at::ScalarType type);  // uninitialised, where the placement is
  void copy(const Stored &stored, at::Tensor to);

  std::shared_ptr<const Checkpoint> checkpoint_;
  Placement placement_;
  Progress progress_;
  double total_ = 0, done_ = 0;  // bytes
  std::shared_ptr<LargeMemory> memory_ = std::make_shared<LargeMemory>();
};

/// A layer's weights in fewer bits (kernels.h, Quantize).
struct NarrowWeight {
  Weight type;
  uint8_t *data;
  uint16_t *scales;
  std::shared_ptr<LargeMemory> memory;  // they lie in
};

/// Note [Compiled products]
/// LibTorch's products in 16 bits on a CPU are compiled (oneDNN) for each number of rows that they meet, which takes some 50 ms
/// and a megabyte each, kept up to a thousand. Prompts have ever new lengths: so rows are read in one of a few numbers, the last
/// ones as zeros that nobody sees. Other products take what comes.
int64_t compiled_rows(int64_t n);   // the least of these numbers that n rows fit in
int64_t fitting_rows(int64_t n);    // the greatest of these numbers that is not above n

struct Linear {
  at::Tensor weight;                           // [out, in], the placement's type
  at::Tensor bias, float_bias;                 // [out], the same type, and float32 for decoding; undefined: none
  std::shared_ptr<const NarrowWeight> narrow;  // what decoding reads; null: `weight`

  Linear() = default;
  Linear(Weights &weights, const std::string &name, int64_t out, int64_t in, bool with_bias);
  /// Several layers with one input as one: [q; k; v].
  static Linear joined(Weights &weights, const std::vector<std::string> &names,
                       const std::vector<int64_t> &outs, int64_t in, bool with_bias);
  /// Makes `narrow`, from a weight of float32 or bfloat16 on the CPU whose `in` the 64 of a scale divide; else nothing.
  void quantize(Weight to, const std::shared_ptr<LargeMemory> &memory);
  at::Tensor operator()(const at::Tensor &x) const;  // [n, in] -> [n, out], both in the weight's type
};

/// Mean and variance in float32; float32 in, any type out.
struct LayerNorm {
  at::Tensor weight, bias;  // [width], float32
  double eps = 0;

  LayerNorm() = default;
  LayerNorm(Weights &weights, const std::string &name, int64_t width, double epsilon);
  at::Tensor operator()(const at::Tensor &x, at::ScalarType out) const;
};

struct RmsNorm {
  at::Tensor weight;  // [width], float32
  double eps = 0;

  RmsNorm() = default;
  RmsNorm(Weights &weights, const std::string &name, int64_t width, double epsilon);
  at::Tensor operator()(const at::Tensor &x, at::ScalarType out) const;
};

at::Tensor activate(Activation kind, const at::Tensor &x);

/// Rotary position angles, float32.
struct Rotary {
  at::Tensor cos, sin;  // [positions, head_dim / 2]

  Rotary() = default;
  /// Position p turns as p / factor.
  Rotary(int64_t positions, int64_t head_dim, double theta, double factor, at::Device device);
};
/// x [n, heads, head_dim], row i by the angles of row i [n, head_dim / 2] -> halves rotated, float32, contiguous.
at::Tensor rotate(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin);

/// q [n, heads, head] float32 over keys and values [kv_heads, length, head] -> [n, heads * head] in the keys'
/// type. Where `causal`, query i sees keys up to length - n + i. Softmax in float32.
at::Tensor attention(const at::Tensor &q, const at::Tensor &keys, const at::Tensor &values, bool causal);

}  // namespace vtok
