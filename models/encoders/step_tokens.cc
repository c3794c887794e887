// A step's tokens out of a tensor, and its pixels on the host.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/encoders/step_tokens.h"

#include <utility>

#include "models/device_tokens.h"

namespace vtok {

Tokens step_tokens(const at::Tensor &tokens, Type type, int columns, int levels, const ModelStream &stream) {
  Tokens out{.type = type, .n = int(tokens.size(0)), .dim = int(tokens.size(1)), .levels = levels};
  out.records.resize(size_t(out.n));
  for (int i = 0; i < out.n; ++i) {
    out.records[size_t(i)].row = uint16_t(i / columns);
    out.records[size_t(i)].column = uint16_t(i % columns);
  }
  auto kept = std::make_shared<at::Tensor>(tokens);  // shares the batch's storage
  out.data = {kept, kept->data_ptr()};
  if (!tokens.is_cuda()) return out;
  // LibTorch takes the memory back in the order of the stream it was made on: ours, while encode() runs.
  out.memory = std::make_shared<DeviceMemory>(kept->data_ptr(), kept, stream.get());
  out.data = {out.memory, kept->data_ptr()};
  const Use made(out, *stream.get());  // readers come after what is queued now
  return out;
}

void preprocess(const Picture &picture, const VideoProcessor &video, Preprocess args) {
  args.rgb = picture.rgb;
  args.stride = picture.stride;
  for (int c = 0; c < 3; ++c) {  // (byte * rescale - mean) / std, with one product less
    args.mean[c] = float(video.mean[c] / video.rescale);
    args.deviation[c] = float(video.std[c] / video.rescale);
  }
  at::Tensor copy;
  if (picture.device >= 0) {
    copy = at::from_blob(const_cast<uint8_t *>(picture.rgb), {picture.height, int64_t(picture.stride)},
                         at::TensorOptions(at::kByte).device(at::kCUDA, c10::DeviceIndex(picture.device)))
               .to(at::kCPU);
    args.rgb = copy.data_ptr<uint8_t>();
  }
  cpu().preprocess(args, nullptr);
}

}  // namespace vtok
