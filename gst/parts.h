// All that a token buffer holds, for who treats tokens and side inputs alike.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <vector>

#include "gst/bridge.h"

namespace vtok {

/// All numbers of a buffer: its tokens, then the side inputs it has, in memory order. A side input that is not
/// tokens has no records and a width of its own. Throws as read_tokens() does.
std::vector<Tokens> read_parts(GstBuffer *buffer, const StreamInfo &info);
/// `like` with other numbers, as many parts as it has.
BufferPtr write_parts(const std::vector<Tokens> &parts, GstBuffer *like);

}  // namespace vtok
