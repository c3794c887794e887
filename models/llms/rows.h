// A prompt row by row: what each row of the model's input is, so that prompts can be compared and made into numbers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "models/prompt.h"
#include "models/decoder.h"

namespace vtok {

/// A text id, a group's token, or the newline.
struct Row {
  const Group *group;  // null: not visual
  int index;           // the id, the token's index in its group, -1: newline
  bool operator==(const Row &) const = default;
};

struct PromptRows {
  std::vector<Row> rows;
  std::vector<Position> positions;  // one for each row; empty: rows are counted
  std::vector<GroupPtr> groups;  // keeps the addresses in `rows` from being used again

  static PromptRows of(const std::vector<Segment> &segments, const PositionRule &rule);
  size_t size() const { return rows.size(); }
  /// The position of the id that comes `later` ids after the last row: they count on from the largest position there is.
  int64_t position_after(size_t later) const;
  /// An id that was read after the last row, and its position.
  void append(int id);
  void shorten(size_t size);

 private:
  int64_t next_ = 0;
};

/// How many rows two prompts begin with alike, positions too.
size_t common_rows(const PromptRows &a, const PromptRows &b);

/// Rows [from, to) as the model reads them: [to - from, levels * hidden], float32, on the model's device; what is no visual token is
/// 0 beyond its first level. `newline` [1, hidden]. Throws BadTokens where a token has another width than the model's.
at::Tensor input_rows(const PromptRows &prompt, size_t from, size_t to, const Decoder &model, int levels,
                      const at::Tensor &newline);

}  // namespace vtok
