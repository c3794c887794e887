// Positions of a prompt's rows: one number a row, or three where a family tells time, row and column apart (M-RoPE).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cstdint>
#include <vector>

namespace vtok {

struct Segment;

struct Position {
  int32_t time, row, column;  // all the same for text
  bool operator==(const Position &) const = default;
};

/// How a family gives its visual tokens positions.
struct PositionRule {
  bool places = false;        // false: rows are counted, whatever they are
  double per_second = 0;      // time positions of a second; 0: the steps in which tokens came are counted
  int limit = 1 << 30;        // no position lies beyond, where a memory spans more time than the model knows
};

/// Note [Places of tokens]
/// Text counts on from what came before. Visual tokens that no text parts are one video: it begins at the next position, s, and a
/// token of row r and column c, t seconds after the video's start, gets (s + trunc(per_second t), s + r, s + c); times, rows and
/// columns are those of its record, so that a kept token stays where it was and a merged one stands where its hub was. The text
/// after it goes on at s + the larger side of the video's grid, whatever time has passed, and an answer after the largest of all
/// positions, as Hugging Face transformers 5 has it. Where every token of the last row and column is gone the grid counts as
/// smaller by them. With times as text between groups each group is a video of its own.

/// One for each row; empty: rows are counted.
std::vector<Position> positions_of(const std::vector<Segment> &segments, const PositionRule &rule);

}  // namespace vtok
