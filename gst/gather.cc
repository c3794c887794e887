// Groups out of token buffers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gather.h"

#include <algorithm>
#include <string>
#include <utility>

#include "models/error.h"
#include "models/norms.h"

namespace vtok {
namespace {

// The index of the first number all of whose exponent bits (`mask`) are set, -1: none. One pass without
// branches finds out whether there is any, as there hardly ever is.
template <class Bits>
int64_t first_with(const void *data, int64_t count, Bits mask) {
  const auto *bits = static_cast<const Bits *>(data);
  bool any = false;
  for (int64_t i = 0; i < count; ++i) any |= (bits[i] & mask) == mask;
  if (!any) return -1;
  return std::find_if(bits, bits + count, [mask](Bits b) { return (b & mask) == mask; }) - bits;
}

int64_t first_not_finite(const Tokens &tokens) {
  const int64_t count = int64_t(tokens.n) * tokens.dim;
  switch (tokens.type) {
    case Type::kFloat32:
      return first_with<uint32_t>(tokens.data.get(), count, 0x7f800000u);
    case Type::kFloat16:
      return first_with<uint16_t>(tokens.data.get(), count, 0x7c00);
    case Type::kBfloat16:
      return first_with<uint16_t>(tokens.data.get(), count, 0x7f80);
    case Type::kFloat8:
      return first_with<uint8_t>(tokens.data.get(), count, 0x7f);  // e4m3: NaN only
    case Type::kInt8:
      break;
  }
  return -1;
}

}  // namespace

void check_finite(const Tokens &tokens) {
  if (const int64_t at = first_not_finite(tokens); at >= 0)
    throw BadTokens("token " + std::to_string(at / tokens.dim) + " of " + std::to_string(tokens.n) +
                    " holds a NaN or an infinity at " + std::to_string(at % tokens.dim) +
                    ", finite numbers were expected");
}

GroupPtr Gather::add(Part part) {
  if (part.tokens.memory)
    check_finite(part.tokens, own_stream_.on(part.tokens));
  else
    check_finite(part.tokens);
  part.to = std::max(part.to, part.from);
  if (part.replaces && open_ && part.group == stream_group_) {
    open_->parts = {std::move(part.tokens)};
    open_->starts = {began_};
    open_->frames = {part.frames};
    open_->side = part.side;
    open_->from = began_;
    open_->to = std::max(open_->to, part.to);
    return nullptr;
  }
  GroupPtr closed;
  // Another number starts a group too: the buffer that said so may have been lost.
  if (open_ && (part.starts || part.replaces || part.group != stream_group_)) {
    if (part.from > open_->from && (!part.after_loss || open_->to > part.from)) open_->to = part.from;
    closed = close();
  }
  if (!open_) {
    open_ = std::make_shared<Group>();
    open_->id = ++last_id_;
    open_->from = began_ = part.from;
    open_->to = part.to;
    stream_group_ = part.group;
  }
  open_->to = std::max(open_->to, part.to);
  open_->parts.push_back(std::move(part.tokens));
  open_->starts.push_back(part.from);
  open_->frames.push_back(part.frames);
  open_->side = std::max(open_->side, part.side);
  if (max_tokens_) open_->keep_newest(max_tokens_);
  return closed;
}

void Gather::gap(int64_t to) {
  if (open_) open_->to = std::max(open_->to, to);
}

GroupPtr Gather::close() {
  if (open_) open_->closed = true;
  return std::exchange(open_, nullptr);
}

GroupPtr Gather::open() const { return open_ ? std::make_shared<Group>(*open_) : nullptr; }

}  // namespace vtok
