// Qwen2-VL, Qwen2.5-VL and Qwen3-VL: frames of any size in pairs, positions in time, row and column.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <string>
#include <vector>

#include "models/config.h"
#include "models/family.h"

namespace vtok {

/// Patches over two frames; units of merge x merge patches become one token each.
struct QwenTowerConfig {
  int hidden = 1280, intermediate = 5120, layers = 32, heads = 16, out = 3584;
  int patch = 14, merge = 2;  // pixels, patches a side
  int window = 0;           // units a side that see each other, where not everything does; 0: everything does
  std::vector<bool> whole;  // layers in which every patch of a frame pair sees every other
  bool gated = false;       // Qwen2.5-VL: RMS norms and a gated MLP; else layer norms and two layers
  int positions = 0;        // Qwen3-VL: a side of the grid of learned positions; 0: there are none
  std::vector<int>
      levels;  // Qwen3-VL: after these layers a merger of its own makes one more level of the tokens
  double rope_theta = 10000;
  Activation activation = Activation::kQuickGelu;
  int head() const { return hidden / heads; }
};

/// What parts are called below visual.blocks.<index>.mlp. and visual.merger.
struct QwenTowerNames {
  const char *up, *down, *norm, *merger1, *merger2;
};
QwenTowerNames tower_names(const QwenTowerConfig &config);

struct QwenVlConfig {
  QwenTowerConfig vision;
  TextConfig text;
  VideoProcessor video;                              // without its size
  int64_t min_pixels = 100352, max_pixels = 602112;  // of a resized frame
  double tokens_per_second = 0;                      // time positions of a second; 0: steps are counted
  int video_token = 151656, vision_start = 151652, vision_end = 151653;
  std::vector<int> end_tokens;
};

/// Throws std::runtime_error naming the file's setting, what was found and what was expected.
QwenVlConfig read_qwen_vl(const Checkpoint &checkpoint);

/// The size that a frame is resized to: both sides whole units, the area within the limits, the shape kept as
/// nearly as that allows. Throws BadTokens where one side is more than 200 times the other.
struct FrameSize {
  int width, height;  // pixels
};
FrameSize resized(const QwenVlConfig &config, int width, int height);

}  // namespace vtok
