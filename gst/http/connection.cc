// Deadlines of connections, and clients that hang up.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/connection.h"

#include <sys/socket.h>

#include <utility>

namespace vtok {

Connection::Connection(const Loop &loop, GSocket *socket)
    : loop_(loop), socket_(G_SOCKET(g_object_ref(socket))) {}

Connection::~Connection() {
  watch({});
  g_object_unref(socket_);
}

void Connection::deadline(unsigned ms) {
  if (ms)
    deadline_.start(loop_, ms, [this] { shut(); });
  else
    deadline_.stop();
}

void Connection::shut() {
  if (!g_socket_is_closed(socket_)) g_socket_shutdown(socket_, TRUE, TRUE, nullptr);
}

void Connection::watch(std::function<void()> gone) {
  gone_ = std::move(gone);
  if (watch_) {
    g_source_destroy(watch_);
    g_source_unref(std::exchange(watch_, nullptr));
  }
  if (!gone_ || g_socket_is_closed(socket_)) return;
  watch_ = g_socket_create_source(socket_, GIOCondition(G_IO_IN | G_IO_HUP | G_IO_ERR), nullptr);
  const GSocketSourceFunc readable = [](GSocket *socket, GIOCondition, gpointer data) -> gboolean {
    auto *connection = static_cast<Connection *>(data);
    char byte;
    const bool closed = recv(g_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
    const auto call = std::move(connection->gone_);
    connection->watch({});
    if (closed) call();
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(watch_, reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(readable)), this,
                        nullptr);
  g_source_attach(watch_, loop_.context());
}

}  // namespace vtok
