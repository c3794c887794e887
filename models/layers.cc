// The parts models are made of, on ATen: runs wherever LibTorch does.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "kernels/kernels.h"
#include "models/error.h"
#include "models/threads.h"

namespace vtok {
namespace {

std::string text(at::IntArrayRef shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

at::ScalarType stored_type(const std::string &name, const TensorView &view) {
  if (view.dtype == "F32") return at::kFloat;
  if (view.dtype == "BF16") return at::kBFloat16;
  if (view.dtype == "F16") return at::kHalf;
  throw std::runtime_error("tensor " + name + " has type " + view.dtype + "; expected F32, BF16 or F16");
}

}  // namespace

at::ScalarType scalar_type(Type type) {
  switch (type) {
    case Type::kFloat32:
      return at::kFloat;
    case Type::kFloat16:
      return at::kHalf;
    case Type::kBfloat16:
      return at::kBFloat16;
    default:
      throw std::invalid_argument(std::string("models do not run in ") + type_name(type));
  }
}

at::Device torch_device(const Placement &placement) {
  return placement.device < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, placement.device);
}

Weights::Weights(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement, Progress progress,
                 std::vector<std::string> prefixes)
    : checkpoint_(std::move(checkpoint)), placement_(placement), progress_(std::move(progress)) {
  share_threads();
  for (const auto &[name, view] : checkpoint_->tensors.tensors)
    for (const auto &prefix : prefixes)
      if (name.rfind(prefix, 0) == 0) total_ += view.data.size();
}

bool Weights::has(const std::string &name) const { return checkpoint_->tensors.tensors.count(name) != 0; }

at::Tensor Weights::get(const std::string &name, at::IntArrayRef shape) {
  return load(name, shape, scalar_type(placement_.type));
}
at::Tensor Weights::get_float(const std::string &name, at::IntArrayRef shape) {
  return load(name, shape, at::kFloat);
}

at::Tensor Weights::load(const std::string &name, at::IntArrayRef shape, at::ScalarType type) {
  const auto found = checkpoint_->tensors.tensors.find(name);
  if (found == checkpoint_->tensors.tensors.end())
    throw std::runtime_error(checkpoint_->folder + " has no tensor " + name + "; expected shape " +
                             text(shape));
  const TensorView &view = found->second;
  if (at::IntArrayRef(view.shape) != shape)
    throw std::runtime_error("tensor " + name + " has shape " + text(view.shape) + "; expected " +
                             text(shape));
  if (progress_ && total_ > 0 && !progress_(done_ / total_)) throw Cancelled();
  const at::ScalarType stored = stored_type(name, view);
  void *bytes =
      const_cast<std::byte *>(view.data.data());  // mapped read-only; nothing here writes to weights
  if (reinterpret_cast<uintptr_t>(bytes) % at::elementSize(stored))
    throw std::runtime_error("tensor " + name + " is not aligned to its number type");
  at::Tensor mapped = at::from_blob(
      bytes, shape, [keep = checkpoint_](void *) {}, at::TensorOptions(stored));
  at::Tensor out = mapped.to(torch_device(placement_), type);
  done_ += double(view.data.size());
  if (progress_ && total_ > 0 && !progress_(std::min(1.0, done_ / total_))) throw Cancelled();
  return out;
}

static constexpr std::array<int64_t, 12> kCompiled = {1, 4, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512};

int64_t compiled_rows(int64_t n) {
  const int64_t most = kCompiled.back();
  if (n > most) return (n + most - 1) / most * most;
  return *std::lower_bound(kCompiled.begin(), kCompiled.end(), n);
}

int64_t fitting_rows(int64_t n) {
  const int64_t most = kCompiled.back();
  if (n > most) return n / most * most;
  return *std::prev(std::upper_bound(kCompiled.begin(), kCompiled.end(), std::max<int64_t>(n, 1)));
}

Linear::Linear(Weights &weights, const std::string &name, int64_t out, int64_t in, bool with_bias)
    : weight(weights.get(name + ".weight", {out, in})) {
  if (with_bias) bias = weights.get(name + ".bias", {out});
}

Linear Linear::joined(Weights &weights, const std::vector<std::string> &names,
                      const std::vector<int64_t> &outs, int64_t in, bool with_bias) {
  std::vector<at::Tensor> rows, biases;
  for (size_t i = 0; i < names.size(); ++i) {
    rows.push_back(weights.get(names[i] + ".weight", {outs[i], in}));
    if (with_bias) biases.push_back(weights.get(names[i] + ".bias", {outs[i]}));
  }
  Linear layer;
  layer.weight = at::cat(rows);
  if (with_bias) layer.bias = at::cat(biases);
  return layer;
}

void Linear::quantize(Weight to) {
  const int64_t out = weight.size(0), in = weight.size(1);
  if (in % kScaled) return;
  auto made = std::make_shared<NarrowWeight>();
  made->type = to;
  made->data.resize(size_t(out * in / (to == Weight::kInt4 ? 2 : 1)));
  made->scales.resize(size_t(out * in / kScaled));
  cpu().quantize({.weights = weight.const_data_ptr(),
                  .from = weight.scalar_type() == at::kBFloat16 ? Weight::kBfloat16 : Weight::kFloat32,
                  .rows = int(out),
                  .columns = int(in),
                  .to = to,
                  .out = made->data.data(),
                  .scales = made->scales.data()},
                 nullptr);
  narrow = std::move(made);
}

at::Tensor Linear::operator()(const at::Tensor &x) const { return at::linear(x, weight, bias); }

LayerNorm::LayerNorm(Weights &weights, const std::string &name, int64_t width, double epsilon)
    : weight(weights.get_float(name + ".weight", {width})),
      bias(weights.get_float(name + ".bias", {width})),
      eps(epsilon) {}

at::Tensor LayerNorm::operator()(const at::Tensor &x, at::ScalarType out) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps).to(out);
}

RmsNorm::RmsNorm(Weights &weights, const std::string &name, int64_t width, double epsilon)
    : weight(weights.get_float(name + ".weight", {width})), eps(epsilon) {}

at::Tensor RmsNorm::operator()(const at::Tensor &x, at::ScalarType out) const {
  const at::Tensor scale = x.square().mean(-1, true).add_(eps).rsqrt_();
  return (x * scale).mul_(weight).to(out);
}

at::Tensor activate(Activation kind, const at::Tensor &x) {
  switch (kind) {
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kQuickGelu:
      return at::sigmoid(x * 1.702).mul_(x);
  }
  throw std::invalid_argument("no such activation");
}

Rotary::Rotary(int64_t positions, int64_t head_dim, double theta, double factor, at::Device device) {
  const at::Tensor exponent = at::arange(0, head_dim, 2, at::kFloat) / double(head_dim);
  const at::Tensor frequency = 1 / at::pow(theta, exponent) / factor;
  const at::Tensor angle = at::outer(at::arange(positions, at::kFloat), frequency);
  cos = angle.cos().to(device);
  sin = angle.sin().to(device);
}

at::Tensor rotate(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor c = cos.unsqueeze(1), s = sin.unsqueeze(1);
  const at::Tensor wide = x.to(at::kFloat), a = wide.narrow(-1, 0, half), b = wide.narrow(-1, half, half);
  const at::Tensor out = at::empty(x.sizes(), wide.options());
  out.narrow(-1, 0, half).copy_(a * c).addcmul_(b, s, -1);
  out.narrow(-1, half, half).copy_(b * c).addcmul_(a, s);
  return out;
}

at::Tensor attention(const at::Tensor &q, const at::Tensor &keys, const at::Tensor &values, bool causal) {
  const int64_t n = q.size(0), length = keys.size(1), width = q.size(1) * q.size(2);
  const float scale = float(1 / std::sqrt(double(q.size(2))));
  const at::ScalarType type = keys.scalar_type();
  if (q.is_cpu() && (type == at::kFloat || type == at::kBFloat16)) {
    TORCH_CHECK(q.stride(1) == q.size(2) && q.stride(2) == 1 && keys.stride(2) == 1 &&
                keys.strides() == values.strides());
    const at::Tensor out = at::empty({n, width});
    cpu().attention({.q = q.const_data_ptr<float>(),
                     .query_stride = q.stride(0),
                     .keys = keys.const_data_ptr(),
                     .values = values.const_data_ptr(),
                     .bfloat16 = type == at::kBFloat16,
                     .queries = int(n),
                     .heads = int(q.size(1)),
                     .kv_heads = int(keys.size(0)),
                     .head = int(q.size(2)),
                     .length = int(length),
                     .row_stride = keys.stride(1),
                     .head_stride = keys.stride(0),
                     .causal = causal,
                     .scale = scale,
                     .out = out.data_ptr<float>()},
                    nullptr);
    return out.to(type);
  }
  // ATen's is_causal aligns top-left: right for as many keys as queries only.
  std::optional<at::Tensor> mask;
  if (causal && length > n && n > 1)
    mask =
        at::full({n, length}, -std::numeric_limits<float>::infinity(), keys.options()).triu_(length - n + 1);
  return at::scaled_dot_product_attention(q.transpose(0, 1).to(type).unsqueeze(0), keys.unsqueeze(0),
                                          values.unsqueeze(0), mask, 0.0, causal && n == length, scale, true)
      .squeeze(0)
      .transpose(0, 1)
      .reshape({n, width});
}

}  // namespace vtok
