// LLaVA-OneVision's encoder: SigLIP, projector, bilinear pooling of video frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/llava_onevision.h"

#include <utility>

#include "kernels/kernels.h"
#include "kernels/turns.h"
#include "models/device_tokens.h"
#include "models/torch_error.h"

namespace vtok {
namespace {

at::Tensor host_float(const at::Tensor &x) { return x.to(at::kCPU, at::kFloat); }

}  // namespace

LlavaOnevision::LlavaOnevision(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                               const Progress &progress)
    : LlavaOnevision(Weights(checkpoint, placement, progress, {"vision_tower.", "multi_modal_projector."}),
                     read_llava_onevision(*checkpoint)) {}

LlavaOnevision::LlavaOnevision(Weights weights, const LlavaOnevisionConfig &config)
    : placement_(weights.placement()),
      config_(config),
      tower_(weights, config.vision, config.vision_layers_used),
      linear1_(weights, "multi_modal_projector.linear_1", config.text.hidden, config.vision.hidden,
               config.projector_bias),
      linear2_(weights, "multi_modal_projector.linear_2", config.text.hidden, config.text.hidden,
               config.projector_bias),
      stream_(placement_.device) {}

at::Tensor LlavaOnevision::pixels(std::span<const Picture> pictures) {
  const VideoProcessor &video = config_.video;
  static constexpr Interpolation kFilters[] = {
      Interpolation::kLanczos, Interpolation::kBilinear,
      Interpolation::kBicubic};  // VideoProcessor::Filter counts from 1
  const at::Tensor out = at::empty({int64_t(pictures.size()), 3, video.height, video.width});
  for (size_t i = 0; i < pictures.size(); ++i) {
    const Picture &picture = pictures[i];
    const auto [entry, fresh] = filters_.try_emplace({picture.width, picture.height});
    auto &[across, down] = entry->second;
    if (fresh) {
      across = make_filter(picture.width, video.width, kFilters[video.filter - 1]);
      down = make_filter(picture.height, video.height, kFilters[video.filter - 1]);
    }
    Preprocess args{.rgb = picture.rgb,
                    .stride = picture.stride,
                    .across = across.view(),
                    .down = down.view(),
                    .out = out[int64_t(i)].data_ptr<float>()};
    for (int c = 0; c < 3; ++c) {  // (byte * rescale - mean) / std, with one product less
      args.mean[c] = float(video.mean[c] / video.rescale);
      args.deviation[c] = float(video.std[c] / video.rescale);
    }
    if (picture.device < 0) {
      cpu().preprocess(args, nullptr);
    } else {
      const at::Tensor copy =
          at::from_blob(const_cast<uint8_t *>(picture.rgb), {picture.height, int64_t(picture.stride)},
                        at::TensorOptions(at::kByte).device(at::kCUDA, c10::DeviceIndex(picture.device)))
              .to(at::kCPU);
      args.rgb = copy.data_ptr<uint8_t>();
      cpu().preprocess(args, nullptr);
    }
  }
  return out;
}

at::Tensor LlavaOnevision::tokens(const at::Tensor &pixels, Stages *stages) const {
  const at::ScalarType type = scalar_type(placement_.type);
  const int64_t n = pixels.size(0), grid = config_.vision.grid(), hidden = config_.text.hidden,
                pooled = config_.pooled();
  const at::Tensor vision = tower_(pixels.to(torch_device(placement_)));
  const at::Tensor inner = activate(config_.projector, linear1_(vision.flatten(0, 1).to(type)));
  const at::Tensor projected = linear2_(inner).to(at::kFloat).view({n, grid * grid, hidden});
  // Half pixels, no antialiasing: as Hugging Face pools.
  const at::Tensor map = projected.transpose(1, 2).reshape({n, hidden, grid, grid});
  const at::Tensor tokens =
      at::upsample_bilinear2d(map, {pooled, pooled}, false).flatten(2).transpose(1, 2).to(type).contiguous();
  if (stages) *stages = {pixels, host_float(vision), host_float(projected), host_float(tokens)};
  return tokens;
}

std::vector<Tokens> LlavaOnevision::encode(std::span<const Picture> pictures) {
  if (pictures.empty()) return {};
  return together_.run(pictures, [this](std::span<const Picture> batch) {
    return in_sentences([&] { return encode(batch, nullptr); });
  });
}

std::vector<Tokens> LlavaOnevision::encode(std::span<const Picture> pictures, Stages *stages) {
  if (pictures.empty()) return {};
  c10::InferenceMode guard;
  const std::lock_guard lock(mutex_);
  const auto entered = stream_.enter();
  at::Tensor all;
  const auto compute = [&] {
    const c10::InferenceMode turn_guard;
    all = tokens(pixels(pictures), stages);
  };
  placement_.device < 0 ? in_turn(compute) : compute();
  if (!stream_.get()) all = all.to(at::kCPU);  // from a GPU that our kernels do not run on
  std::vector<Tokens> out;
  for (size_t i = 0; i < pictures.size(); ++i) out.push_back(frame(all[int64_t(i)]));
  return out;
}

Tokens LlavaOnevision::frame(const at::Tensor &tokens) const {
  const int edge = config_.pooled(), count = edge * edge;
  Tokens out{.type = placement_.type, .n = count, .dim = config_.text.hidden};
  out.records.resize(size_t(count));
  for (int i = 0; i < count; ++i) {
    out.records[size_t(i)].row = uint16_t(i / edge);
    out.records[size_t(i)].column = uint16_t(i % edge);
  }
  auto kept = std::make_shared<at::Tensor>(tokens);  // shares the batch's storage
  out.data = {kept, kept->data_ptr()};
  if (!tokens.is_cuda()) return out;
  // LibTorch takes the memory back in the order of the stream it was made on: ours, while encode() runs.
  out.memory = std::make_shared<DeviceMemory>(kept->data_ptr(), kept, stream_.get());
  out.data = {out.memory, kept->data_ptr()};
  const Use made(out, *stream_.get());  // readers come after what is queued now
  return out;
}

}  // namespace vtok
