// A step's tokens out of a tensor, and its pixels on the host.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include "kernels/kernels.h"
#include "models/config.h"
#include "models/encoder.h"
#include "models/layers.h"
#include "models/model_stream.h"

namespace vtok {

/// tokens [rows * columns, dim], contiguous -> Tokens that share its memory, with a record each: row by row, time 0. Call it within
/// stream.enter().
Tokens step_tokens(const at::Tensor &tokens, Type type, int columns, int levels, const ModelStream &stream);

/// Runs a resize whose filters and `out` are set: bytes from wherever the picture lies, numbers as `video` says.
void preprocess(const Picture &picture, const VideoProcessor &video, Preprocess args);

}  // namespace vtok
