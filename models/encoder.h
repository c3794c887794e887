// Encoders: pictures in, tokens out. What a family makes stands in its row (models/family.h); the work is done by the engine (models/engine.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/placement.h"
#include "models/tokens.h"

namespace vtok {

/// 8-bit RGB, packed; rows `stride` bytes apart. Host memory, or the device's the encoder runs on.
struct Picture {
  const uint8_t *rgb = nullptr;
  int width = 0, height = 0, stride = 0;
  int device = -1;
};

/// Tokens of a frame: width * height.
struct Grid {
  int width = 0, height = 0;
};

/// What the caps need, known from the checkpoint before any weight is loaded.
struct EncoderInfo {
  std::string space;  // "<model type>@<16 hex>"
  int hidden_size = 0;
  int grid_width = 0, grid_height = 0;  // tokens per frame = grid_width * grid_height; 0: grid_of says
  int levels = 1;                       // a token is so many rows of hidden_size
  bool middle = false;                  // a token's time is the mean of its frames', not the first's
  int frames = 1;                       // in a row that are seen as one: they have the tokens of one frame
  std::function<Grid(int width, int height)> grid_of;  // by the frames' size, where it matters; throws BadTokens
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  /// One Tokens per picture, in order, or per EncoderInfo::frames of them, where a last one without its others stands for them
  /// too: n = grid_width * grid_height, records with row, column, time 0, weight 1.
  /// They lie in the memory of the GPU that the encoder runs on, where our kernels run there too, else the host's.
  /// Safe to call from several threads: pictures that wait are encoded together. Throws std::exception on failure.
  virtual std::vector<Tokens> encode(std::span<const Picture> pictures) = 0;
};

/// Called with 0..1 while weights load; returns false to give up (load then throws Cancelled).
using Progress = std::function<bool(double)>;

/// Checks configuration and every tensor's name and shape; cheap.
EncoderInfo describe_encoder(const Checkpoint &checkpoint);
/// Loads the weights (slow); one instance per process for the same checkpoint, device and type.
std::shared_ptr<Encoder> load_encoder(std::shared_ptr<const Checkpoint> checkpoint, const Placement &placement,
                                      const Progress &progress);

}  // namespace vtok
