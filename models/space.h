// The space: which tokens may meet. Tokens of one space mean the same to a language model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint.h"
#include "models/config.h"

namespace vtok {

/// What makes a model's tokens besides its tensors. One "name=value" a line; a number by its bits, so that no
/// locale or printing digit matters.
class SpaceSettings {
  std::string text_;

 public:
  void whole(const char *name, int64_t value);
  void real(const char *name, double value);
  void word(const char *name, const std::string &value);
  void pixels(const VideoProcessor &video);  // filter, size, numbers; not what is cut away
  const std::string &text() const { return text_; }
};

/// "<model type>@<16 hex>": the start of SHA-256 over what makes the tokens: the settings, and the tensors
/// whose names begin with one of `tensors` (the projector's and the newline's; the tower's are too large to
/// read for a name). Not over folder names, file layouts or the language model, so that the same model saved
/// twice is one space and a fine-tune of the language model keeps it.
std::string space_of(const Checkpoint &checkpoint, const SpaceSettings &settings,
                     const std::vector<std::string_view> &tensors);

/// SHA-256 over a file, as 64 hex digits. Throws std::runtime_error where it cannot be read.
std::string digest_of_file(const std::string &path);

}  // namespace vtok
