// What a client is sent: a whole body at once, or server-sent events as they come.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <libsoup/soup.h>

#include <functional>
#include <string>

#include "gst/http/api_error.h"
#include "gst/http/connection.h"

namespace vtok {

/// Answers a message at once. Every response closes its connection, is kept by nobody and is of use to no
/// other origin.
void respond(SoupServerMessage *message, unsigned status, const char *type, const std::string &body);
void respond(SoupServerMessage *message, const ApiError &error);

/// The answer to a message that takes its time. The message waits from here on until whole() or events. For
/// the server's thread.
class Reply {
  static constexpr size_t kBacklog = 1 << 20;  // bytes a client may leave unread
  SoupServerMessage *const message_;
  Connection &connection_;
  const unsigned stall_ms_;  // in which a client must read something
  std::function<void()> gone_;
  size_t unwritten_ = 0;
  bool open_ = true, streaming_ = false;

  void let_go();
  void lost();
  void give_up();
  void send();

 public:
  /// `gone` is called, once, when the client is not there any more before the reply was complete.
  Reply(SoupServerMessage *message, Connection &connection, unsigned stall_ms, std::function<void()> gone);
  Reply(const Reply &) = delete;
  ~Reply();
  bool streaming() const { return streaming_; }
  void whole(unsigned status, const char *type, const std::string &body);
  void whole(const ApiError &error);
  void start_events();
  /// A client that has not read what came before by far is let go of.
  void event(const std::string &server_sent);
  void end();
};

}  // namespace vtok
