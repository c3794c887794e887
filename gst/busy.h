// Whether more will come of what elements upstream hold already.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

namespace vtok {

/// Asks the elements before a sink pad whether frames wait or are worked on in one of them; who waits for
/// tokens need not give up then. False where nobody answers. Any thread, without locks.
bool upstream_is_busy(GstPad *sink);

/// Answers that question; false: this is another query.
bool answer_busy(GstQuery *query, bool busy);

}  // namespace vtok
