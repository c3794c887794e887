// A client's connection: how long it may take, whether it is still there.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gio/gio.h>

#include <functional>

#include "gst/http/loop.h"

namespace vtok {

/// Beside libsoup, which reads and writes, and for the loop's thread. libsoup waits for a client without end
/// and does not look whether it is still there while a message is paused; this does.
class Connection {
  const Loop &loop_;
  GSocket *const socket_;
  Timer deadline_;
  GSource *watch_ = nullptr;
  std::function<void()> gone_;
  bool busy_ = false;

 public:
  Connection(const Loop &loop, GSocket *socket);
  Connection(const Connection &) = delete;
  ~Connection();
  /// Shut in `ms`, unless called again before; 0: may take for ever.
  void deadline(unsigned ms);
  /// Its request is there, and an answer is due.
  void set_busy() { busy_ = true; }
  bool busy() const { return busy_; }
  /// Ends it: whoever reads or writes gets an error, and lets go.
  void shut();
  /// `gone` is called once when the client closes its side; empty: not any more. What a client sends ahead
  /// ends the watch, as it cannot be told from a close behind it.
  void watch(std::function<void()> gone);
};

}  // namespace vtok
