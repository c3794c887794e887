// Exported encoders: a program of the user's own beside encoder.json, which says what goes in and what comes
// out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <string>

#include "models/config.h"
#include "models/encoder.h"

namespace vtok {

/// What encoder.json says. Frames become numbers as Hugging Face's processors make them, under the same
/// names.
struct ExportedModel {
  std::string program;  // the file's path
  VideoProcessor video;
  Grid grid;                   // of a frame's tokens
  int hidden = 0;              // numbers of a token
  Type type = Type::kFloat32;  // of the numbers that it takes: float32, bfloat16 or float16
  int batch = 0;               // frames that every call takes; 0: any number
  std::string space;           // the space that the tokens are of; empty: one of their own
};

inline constexpr const char *kExported = "exported";  // Checkpoint::family

/// Whether the folder holds encoder.json. Throws std::runtime_error where it holds config.json too.
bool is_exported(const std::string &folder);
/// Opens such a folder; reads all of the program once, to tell it from others.
std::shared_ptr<Checkpoint> open_exported(const std::string &folder);
/// Throws std::runtime_error naming the file's setting, what was found and what was expected.
ExportedModel read_exported(const Checkpoint &checkpoint);

}  // namespace vtok
