// The encoder of the families that see a video frame by frame (models/frame_model.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/frames.h"

#include <utility>

#include "kernels/turns.h"
#include "models/encoders/step_tokens.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

constexpr double kTorchEps = 1e-5;  // torch.nn.LayerNorm's own

at::Tensor host_float(const at::Tensor &x) { return x.to(at::kCPU, at::kFloat); }

}  // namespace

FrameEncoder::FrameEncoder(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                           const Progress &progress)
    : FrameEncoder(Weights(checkpoint, placement, progress, {"vision_tower.", "multi_modal_projector."}),
                   frame_model(*checkpoint)) {}

FrameEncoder::FrameEncoder(Weights weights, const FrameModel &model)
    : placement_(weights.placement()),
      model_(model),
      pixels_(model.video),
      tower_(weights, model.vision, model.layers),
      linear1_(weights, "multi_modal_projector.linear_1", model.text.hidden, model.projector_in(),
               model.projector.bias),
      stream_(placement_.device) {
  if (model.projector.norm)
    norm_ = LayerNorm(weights, "multi_modal_projector.layer_norm", model.projector_in(), kTorchEps);
  if (model.projector.two)
    linear2_ = Linear(weights, "multi_modal_projector.linear_2", model.text.hidden, model.text.hidden,
                      model.projector.bias);
}

at::Tensor FrameEncoder::tokens(const at::Tensor &pixels, Stages *stages) const {
  const at::ScalarType type = scalar_type(placement_.type);
  const int64_t n = pixels.size(0), hidden = model_.text.hidden, side = model_.grid(), k = model_.shuffle;
  int64_t grid = model_.vision.grid(), wide = model_.vision.hidden;
  at::Tensor x = tower_(pixels.to(torch_device(placement_)));
  if (model_.vision.class_token) x = x.narrow(1, 1, grid * grid);
  const at::Tensor vision = x;
  if (k > 1) {
    x = x.reshape({n, grid / k, k, grid / k, k, wide}).permute({0, 1, 3, 2, 4, 5});
    grid /= k, wide *= k * k;
    x = x.reshape({n, grid * grid, wide});
  }
  if (model_.pooling == FrameModel::kAverage) {
    x = at::avg_pool2d(x.transpose(1, 2).reshape({n, wide, grid, grid}), {2, 2}).flatten(2).transpose(1, 2);
    grid = side;
  }
  x = x.reshape({n * grid * grid, wide});
  x = linear1_(model_.projector.norm ? norm_(x, type) : x.to(type));
  if (model_.projector.two) x = linear2_(activate(model_.projector.activation, x));
  x = x.to(at::kFloat).view({n, grid * grid, hidden});
  const at::Tensor projected = x;
  if (model_.pooling == FrameModel::kBilinear) {  // half pixels, no antialiasing: as Hugging Face pools
    const at::Tensor map = x.transpose(1, 2).reshape({n, hidden, grid, grid});
    x = at::upsample_bilinear2d(map, {side, side}, false).flatten(2).transpose(1, 2);
  }
  const at::Tensor tokens = x.to(type).contiguous();
  if (stages) *stages = {pixels, host_float(vision), host_float(projected), host_float(tokens)};
  return tokens;
}

std::vector<Tokens> FrameEncoder::encode(std::span<const Picture> pictures) {
  if (pictures.empty()) return {};
  return together_.run(pictures, [this](std::span<const Picture> batch) {
    return in_sentences([&] { return encode(batch, nullptr); });
  });
}

std::vector<Tokens> FrameEncoder::encode(std::span<const Picture> pictures, Stages *stages) {
  if (pictures.empty()) return {};
  c10::InferenceMode guard;
  const std::lock_guard lock(mutex_);
  const auto entered = stream_.enter();
  at::Tensor all;
  const auto compute = [&] {
    const c10::InferenceMode turn_guard;
    all = tokens(pixels_(pictures), stages);
  };
  placement_.device < 0 ? in_turn(compute) : compute();
  if (!stream_.get()) all = all.to(at::kCPU);  // from a GPU that our kernels do not run on
  std::vector<Tokens> out;
  for (size_t i = 0; i < pictures.size(); ++i)
    out.push_back(step_tokens(all[int64_t(i)], placement_.type, model_.grid(), 1, stream_));
  return out;
}

}  // namespace vtok
