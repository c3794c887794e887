// GstBuffer <-> Tokens, without copying the numbers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst/vtok/vtok.h"
#include "models/tokens.h"

namespace vtok {

struct UnrefBuffer {
  void operator()(GstBuffer *buffer) const { gst_buffer_unref(buffer); }
};
struct UnrefCaps {
  void operator()(GstCaps *caps) const { gst_caps_unref(caps); }
};
using BufferPtr = std::unique_ptr<GstBuffer, UnrefBuffer>;
using CapsPtr = std::unique_ptr<GstCaps, UnrefCaps>;

/// What a token stream's caps say; owns its strings.
class StreamInfo {
  GstVtokInfo info_ = GST_VTOK_INFO_INIT;

 public:
  StreamInfo() = default;
  /// Throws ElementError (wrong_caps) with one sentence.
  explicit StreamInfo(const GstCaps *caps);
  StreamInfo(const StreamInfo &other) { gst_vtok_info_copy(&other.info_, &info_); }
  StreamInfo &operator=(StreamInfo other) { return std::swap(info_, other.info_), *this; }
  ~StreamInfo() { gst_vtok_info_clear(&info_); }

  const GstVtokInfo *operator->() const { return &info_; }
  const GstVtokInfo &operator*() const { return info_; }
  void set_space(const std::string &space);
  void set_extras(const std::string &extras);
  GstVtokInfo &fields() { return info_; }  // numbers only; strings by the setters
  bool has_extra(const char *name) const;
  CapsPtr caps() const { return CapsPtr(gst_vtok_info_to_caps(&info_)); }
};

/// One buffer's content. The tokens keep the buffer mapped while they live.
struct TokenBuffer {
  Tokens tokens;                  // dim = levels * hidden_size
  std::optional<Tokens> sources;  // extras=sources
  GstVtokCounts counts;  // where the buffer has none: n, the grid of the caps, 1 frame, source_tokens n
};

/// Throws BadTokens with one sentence where the buffer does not fit its caps. Tokens that an element of ours
/// has put there from a device are still there.
TokenBuffer read_tokens(GstBuffer *buffer, const StreamInfo &info);

/// A new buffer of tokens on the host or a device, n >= 1, with records and counts (n and extras_n are filled
/// in here); the memories share the tokens' data. PTS, duration, flags and other metas are those of `like`;
/// null: the caller's business.
BufferPtr write_tokens(const Tokens &tokens, GstVtokCounts counts, GstBuffer *like,
                       const Tokens *sources = nullptr);

inline Type type_of(GstVtokType type) { return static_cast<Type>(type); }
inline GstVtokType type_of(Type type) { return static_cast<GstVtokType>(type); }
static_assert(int(Type::kFloat32) == GST_VTOK_TYPE_FLOAT32 && int(Type::kFloat16) == GST_VTOK_TYPE_FLOAT16 &&
              int(Type::kBfloat16) == GST_VTOK_TYPE_BFLOAT16 &&
              int(Type::kFloat8) == GST_VTOK_TYPE_FLOAT8_E4M3 && int(Type::kInt8) == GST_VTOK_TYPE_INT8);
static_assert(sizeof(Record) == sizeof(GstVtokRecord) &&
              offsetof(Record, scale) == offsetof(GstVtokRecord, scale));

}  // namespace vtok
