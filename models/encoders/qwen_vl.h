// The encoder of Qwen2-VL and Qwen2.5-VL: frame pairs of any size in, tokens of one step out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "kernels/filter.h"
#include "models/encoder.h"
#include "models/encoders/qwen_tower.h"
#include "models/model_stream.h"
#include "models/together.h"

namespace vtok {

class QwenVl : public Encoder {
 public:
  /// What each step made of pairs of one size, float32 on the host.
  struct Stages {
    at::Tensor pixels;  // [steps * patches, 3 * 2 * patch * patch]
    QwenTower::Stages tower;
    at::Tensor tokens;  // [steps, tokens, hidden]
  };

  QwenVl(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement, const Progress &progress);
  std::vector<Tokens> encode(std::span<const Picture> pictures) override;
  std::vector<Tokens> encode(std::span<const Picture> pictures, Stages *stages);

 private:
  struct Pair {
    Picture first, second;
  };
  QwenVl(Weights weights, const QwenVlConfig &config);
  std::vector<Tokens> encode(std::span<const Pair> pairs, Stages *stages);
  void pixels(const Picture &picture, const FrameSize &size, float *out);  // [3, height, width]
  at::Tensor patches(std::span<const Pair> pairs, const FrameSize &size);  // as QwenTower takes them, host

  static constexpr size_t kTogether = 4;  // pairs of several streams
  Together<Pair, Tokens> together_{kTogether};
  std::mutex mutex_;  // one batch at a time
  Placement placement_;
  QwenVlConfig config_;
  std::map<std::pair<int, int>, Filter> filters_;  // by a side's length before and after
  QwenTower tower_;
  ModelStream stream_;
};

}  // namespace vtok
