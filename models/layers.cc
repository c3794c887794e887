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
#include "kernels/threads.h"
#include "kernels/layer_rows.h"

namespace vtok {

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
  if (with_bias) bias = weights.get(name + ".bias", {out}), float_bias = bias.to(at::kFloat);
}

Linear Linear::joined(Weights &weights, const std::vector<std::string> &names,
                      const std::vector<int64_t> &outs, int64_t in, bool with_bias) {
  const auto each = [&](const char *part) {
    std::vector<std::string> all;
    for (const std::string &name : names) all.push_back(name + part);
    return all;
  };
  Linear layer;
  layer.weight = weights.joined(each(".weight"), outs, {in});
  if (with_bias) layer.bias = weights.joined(each(".bias"), outs, {}), layer.float_bias = layer.bias.to(at::kFloat);
  return layer;
}

void Linear::quantize(Weight to, const std::shared_ptr<LargeMemory> &memory) {
  const int64_t out = weight.size(0), in = weight.size(1);
  if (in % kScaled) return;
  auto made = std::make_shared<NarrowWeight>();
  made->type = to;
  const auto bytes = [&](int64_t count) { return memory->take(size_t(count)); };
  made->data = reinterpret_cast<uint8_t *>(bytes(out * in / (to == Weight::kInt4 ? 2 : 1)));
  made->scales = reinterpret_cast<uint16_t *>(bytes(out * in / kScaled * int64_t(sizeof(uint16_t))));
  made->memory = memory;
  cpu().quantize({.weights = weight.const_data_ptr(),
                  .from = weight.scalar_type() == at::kBFloat16 ? Weight::kBfloat16 : Weight::kFloat32,
                  .rows = int(out),
                  .columns = int(in),
                  .to = to,
                  .out = made->data,
                  .scales = made->scales},
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

/// Tasks of some rows of `n` each.
template <class F>
static void share_rows(int64_t n, F &&of_rows) {
  constexpr int64_t kRows = 32;
  parallel_for(int((n + kRows - 1) / kRows), [&](int i) { of_rows(i * kRows, std::min(n, (i + 1) * kRows)); });
}

at::Tensor RmsNorm::operator()(const at::Tensor &x, at::ScalarType out) const {
  if (x.is_cpu() && x.scalar_type() == at::kFloat && (out == at::kFloat || out == at::kBFloat16)) {
    const at::Tensor rows = x.contiguous(), made = at::empty(x.sizes(), at::TensorOptions(out));
    const int64_t width = weight.size(0);
    const float *from = rows.const_data_ptr<float>(), *by = weight.const_data_ptr<float>();
    void *const to = made.data_ptr();
    share_rows(rows.numel() / width, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin * width; at < end * width; at += width) {
        if (out == at::kFloat)
          simd::normalize(from + at, by, int(width), float(eps), static_cast<float *>(to) + at);
        else
          simd::normalize(from + at, by, int(width), float(eps), static_cast<uint16_t *>(to) + at);
      }
    });
    return made;
  }
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
  if (x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.stride(2) == 1) {
    const at::Tensor out = at::empty(x.sizes(), at::kFloat), c = cos.contiguous(), s = sin.contiguous();
    const int64_t heads = x.size(1);
    float *const to = out.data_ptr<float>();
    share_rows(x.size(0), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t head = 0; head < heads; ++head) {
          const int64_t from = row * x.stride(0) + head * x.stride(1);
          const float *own_cos = c.const_data_ptr<float>() + row * half, *own_sin = s.const_data_ptr<float>() + row * half;
          float *const turned = to + (row * heads + head) * 2 * half;
          if (x.scalar_type() == at::kFloat)
            simd::turn(x.const_data_ptr<float>() + from, own_cos, own_sin, int(half), turned);
          else
            simd::turn(static_cast<const uint16_t *>(x.const_data_ptr()) + from, own_cos, own_sin, int(half), turned);
        }
    });
    return out;
  }
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
