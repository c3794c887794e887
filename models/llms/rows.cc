// Prompts compared row by row, and their rows as numbers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/llms/rows.h"

#include <algorithm>
#include <string>

#include "models/device_tokens.h"
#include "models/error.h"

namespace vtok {
namespace {

at::Tensor rows_of(const Tokens &tokens, at::Device device) {
  const Tokens host = to_host(tokens);
  const bool plain =
      host.type == Type::kFloat32 || host.type == Type::kFloat16 || host.type == Type::kBfloat16;
  const Tokens shared = plain ? host : to_float32(host);
  return at::from_blob(
             const_cast<void *>(shared.data.get()), {shared.n, shared.dim}, [keep = shared.data](void *) {},
             at::TensorOptions(scalar_type(shared.type)))
      .to(device, at::kFloat);
}

}  // namespace

PromptRows PromptRows::of(const std::vector<Segment> &segments, const PositionRule &rule) {
  PromptRows prompt;
  prompt.positions = positions_of(segments, rule);
  for (const Position &p : prompt.positions)
    prompt.next_ = std::max<int64_t>(prompt.next_, std::max({p.time, p.row, p.column}) + 1);
  for (const Segment &segment : segments) {
    if (segment.kind == Segment::kNewline) prompt.rows.push_back({nullptr, -1});
    for (int id : segment.ids) prompt.rows.push_back({nullptr, id});
    if (!segment.group) continue;
    for (int i = 0; i < segment.size(); ++i) prompt.rows.push_back({segment.group.get(), segment.first + i});
    if (prompt.groups.empty() || prompt.groups.back() != segment.group)
      prompt.groups.push_back(segment.group);
  }
  return prompt;
}

int64_t PromptRows::position_after(size_t later) const {
  return (positions.empty() ? int64_t(rows.size()) : next_) + int64_t(later);
}

void PromptRows::append(int id) {
  if (!positions.empty()) {
    const auto position = int32_t(next_++);
    positions.push_back({position, position, position});
  }
  rows.push_back({nullptr, id});
}

void PromptRows::shorten(size_t size) {
  rows.resize(size);
  if (!positions.empty()) positions.resize(size);
}

size_t common_rows(const PromptRows &a, const PromptRows &b) {
  if (a.positions.empty() != b.positions.empty()) return 0;
  const size_t rows =
      size_t(std::mismatch(a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end()).first - a.rows.begin());
  if (a.positions.empty()) return rows;
  const auto first = a.positions.begin();
  return size_t(std::mismatch(first, first + std::ptrdiff_t(rows), b.positions.begin()).first - first);
}

at::Tensor input_rows(const PromptRows &prompt, size_t from, size_t to, const Decoder &model, int levels,
                      const at::Tensor &newline) {
  std::vector<at::Tensor> pieces;
  for (size_t at = from; at < to;) {
    const Row &row = prompt.rows[at];
    if (row.group) {
      const int first = row.index;
      const size_t begin_at = at;
      while (at < to && prompt.rows[at] == Row{row.group, first + int(at - begin_at)}) ++at;
      const int last = prompt.rows[at - 1].index + 1;
      int before = 0;  // tokens of the group's earlier parts
      for (const Tokens &part : row.group->parts) {
        const int begin = std::max(first, before), end = std::min(last, before + part.n);
        if (part.dim != levels * model.config().hidden)
          throw BadTokens("a token has " + std::to_string(part.dim) + " numbers; the language model reads " +
                          std::to_string(levels * model.config().hidden));
        if (begin < end)
          pieces.push_back(rows_of(part, model.device()).narrow(0, begin - before, end - begin));
        before += part.n;
      }
    } else if (row.index < 0) {
      pieces.push_back(newline);
      ++at;
    } else {
      std::vector<int> ids;
      while (at < to && !prompt.rows[at].group && prompt.rows[at].index >= 0)
        ids.push_back(prompt.rows[at++].index);
      pieces.push_back(model.embed(ids));
    }
  }
  if (levels > 1)
    for (at::Tensor &piece : pieces)
      piece = at::constant_pad_nd(piece, {0, levels * model.config().hidden - piece.size(1)});
  return at::cat(pieces);
}

}  // namespace vtok
