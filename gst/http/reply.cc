// Responses and streams of events.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/reply.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace vtok {
namespace {

void set_headers(SoupServerMessage *message, const char *type) {
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
  for (const auto &[name, value] : std::initializer_list<std::pair<const char *, const char *>>{
           {"Content-Type", type},
           {"Cache-Control", "no-store"},
           {"Connection", "close"},
           {"Cross-Origin-Resource-Policy", "same-origin"},
           {"Referrer-Policy", "no-referrer"},
           {"X-Content-Type-Options", "nosniff"},
           {"X-Frame-Options", "DENY"}})
    soup_message_headers_replace(headers, name, value);
}

}  // namespace

void respond(SoupServerMessage *message, unsigned status, const char *type, const std::string &body) {
  set_headers(message, type);
  soup_server_message_set_status(message, status, nullptr);
  soup_message_body_append(soup_server_message_get_response_body(message), SOUP_MEMORY_COPY, body.data(),
                           body.size());
}

void respond(SoupServerMessage *message, const ApiError &error) {
  SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);
  if (error.retry_after)
    soup_message_headers_replace(headers, "Retry-After", std::to_string(error.retry_after).c_str());
  if (error.status == SOUP_STATUS_UNAUTHORIZED)
    soup_message_headers_replace(headers, "WWW-Authenticate", "Bearer");
  respond(message, error.status, "application/json", error.body());
}

Reply::Reply(SoupServerMessage *message, Connection &connection, unsigned stall_ms,
             std::function<void()> gone)
    : message_(SOUP_SERVER_MESSAGE(g_object_ref(message))),
      connection_(connection),
      stall_ms_(stall_ms),
      gone_(std::move(gone)) {
  soup_server_message_pause(message_);
  const auto over = G_CALLBACK(+[](SoupServerMessage *, Reply *self) { self->lost(); });
  g_signal_connect(message_, "finished", over, this);
  g_signal_connect(message_, "disconnected", over, this);
  g_signal_connect(message_, "wrote-body-data", G_CALLBACK(+[](SoupServerMessage *, guint n, Reply *self) {
                     self->unwritten_ -= std::min<size_t>(n, self->unwritten_);
                     self->connection_.deadline(self->unwritten_ ? self->stall_ms_ : 0);
                   }),
                   this);
  connection_.watch([this] {
    give_up();
    lost();
  });
}

Reply::~Reply() {
  if (open_) give_up();
  g_object_unref(message_);
}

// Nobody shall read more of this: libsoup finds the socket shut when it goes on.
void Reply::give_up() {
  connection_.shut();
  if (streaming_)
    soup_message_body_complete(soup_server_message_get_response_body(message_));
  else
    soup_server_message_set_status(message_, SOUP_STATUS_SERVICE_UNAVAILABLE, nullptr);
  let_go();
  soup_server_message_unpause(message_);
}

// From here on libsoup is left to itself: with what is to be written, or with a socket that was shut.
void Reply::let_go() {
  if (!std::exchange(open_, false)) return;
  connection_.watch({});
  g_signal_handlers_disconnect_by_data(message_, this);
}

void Reply::lost() {
  let_go();
  if (const auto gone = std::move(gone_)) gone();  // which may destroy this
}

void Reply::whole(unsigned status, const char *type, const std::string &body) {
  if (!open_) return;
  respond(message_, status, type, body);
  send();
}

void Reply::whole(const ApiError &error) {
  if (!open_) return;
  respond(message_, error);
  send();
}

void Reply::send() {
  connection_.deadline(stall_ms_);
  let_go();
  soup_server_message_unpause(message_);
}

void Reply::start_events() {
  if (!open_) return;
  streaming_ = true;
  set_headers(message_, "text/event-stream");
  const bool chunks = soup_server_message_get_http_version(message_) != SOUP_HTTP_1_0;
  soup_message_headers_set_encoding(soup_server_message_get_response_headers(message_),
                                    chunks ? SOUP_ENCODING_CHUNKED : SOUP_ENCODING_EOF);
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message_), FALSE);
  soup_server_message_set_status(message_, SOUP_STATUS_OK, nullptr);
}

void Reply::event(const std::string &server_sent) {
  if (!open_ || !streaming_) return;
  if (unwritten_ + server_sent.size() > kBacklog) return connection_.shut();
  if (unwritten_ == 0) connection_.deadline(stall_ms_);
  unwritten_ += server_sent.size();
  soup_message_body_append(soup_server_message_get_response_body(message_), SOUP_MEMORY_COPY,
                           server_sent.data(), server_sent.size());
  soup_server_message_unpause(message_);
}

void Reply::end() {
  if (!open_ || !streaming_) return;
  soup_message_body_complete(soup_server_message_get_response_body(message_));
  send();
}

}  // namespace vtok
