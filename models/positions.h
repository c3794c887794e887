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
  int frames = 1;             // of a step
};

/// Note [Places of tokens]
/// Text counts on from what came before. Visual tokens that no text parts are one video: it begins at the next position, s, and a
/// token of row r and column c, t seconds after the video's start, gets (s + trunc(per_second t), s + r, s + c); times, rows and
/// columns are those of its record, so that a kept token stays where it was and a merged one stands where its hub was. The text
/// after it goes on at s + the larger side of the video's grid, whatever time has passed, and an answer after the largest of all
/// positions, as Hugging Face transformers 5 has it. With times as text between groups each group is a video of its own.
///
/// Where steps are counted (per_second 0), those of which no token is left count too: a part of a group says how many source frames
/// it stands for. Where it has fewer times than steps, each stands at the step that it would be if the part's steps were equally
/// long; the one time of a later part is its last step. What was sent without such counts (an application's own tokens) has the
/// steps, and the grid, that its records show.

/// One for each row; empty: rows are counted.
std::vector<Position> positions_of(const std::vector<Segment> &segments, const PositionRule &rule);

}  // namespace vtok
