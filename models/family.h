// Model families: everything of one that needs no LibTorch, one row each.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// To add a family: models/families/<name>.cc with its row, a line in family.cc; its encoder in
// encoders/<name>.cc, a line in engine_torch.cc.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint.h"
#include "models/config.h"
#include "models/encoder.h"
#include "models/llm.h"
#include "models/positions.h"

namespace vtok {

struct Segment;

/// A tensor's name that begins with `from` begins with `to` today. Whatever the files write, the language
/// model's tensors are language_model.model. ... and language_model.lm_head.
struct Rename {
  std::string_view from, to;
};

/// What runs the language model, known from the checkpoint before any weight is loaded.
struct LanguageInfo {
  TextConfig text;
  std::vector<int> end_tokens;    // any of them ends an answer
  int visual_token = 0;           // the placeholder's id: what a visual token counts as among the ids
  const char *newline = nullptr;  // the tensor of the row that comes after the last group; null: none does
  PositionRule positions;
  int levels = 1;  // rows of a token; all but the first are added after the first layers, one after each
};

struct Family {
  const char *name;  // config.json's model_type
  const char *help;
  std::span<const Rename> renames;  // applied one after another
  // Each throws std::runtime_error with one sentence; all are cheap.
  EncoderInfo (*describe)(
      const Checkpoint &);  // checks the encoder's configuration, and every tensor's name and shape
  LanguageInfo (*language)(const Checkpoint &);
  void (*check_language)(const Checkpoint &);  // the language model's tensors, by name and shape
  /// The whole prompt; without timestamps the ids are those of HF's processor.
  std::vector<Segment> (*prompt)(const Checkpoint &, const Request &);
  /// What one group takes of it.
  std::vector<Segment> (*group)(const Checkpoint &, const GroupPtr &, bool timestamps);
};

std::span<const Family *const> families();
/// Throws std::runtime_error for a family not in the table, listing those that are.
const Family &check_family(const std::string &name);
inline const Family &family_of(const Checkpoint &checkpoint) { return check_family(checkpoint.family); }

}  // namespace vtok
