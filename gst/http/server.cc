// Listening, admission and the routes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <utility>

#include "gst/guarded.h"
#include "gst/http/bearer.h"

namespace vtok {
namespace {

constexpr char kRequest[] = "vtok-request";

// What is known of a message while it comes in.
struct Incoming {
  Connection *connection;  // lives as long as the message
  std::string body;
  size_t received = 0;
};

Incoming &incoming(SoupServerMessage *message) {
  return *static_cast<Incoming *>(g_object_get_data(G_OBJECT(message), kRequest));
}

std::string header(SoupServerMessage *message, const char *name) {
  const char *value = soup_message_headers_get_list(soup_server_message_get_request_headers(message), name);
  return value ? value : "";
}

std::string path_of(SoupServerMessage *message) {
  return soup_server_message_is_options_ping(message) ? "*"
                                                      : g_uri_get_path(soup_server_message_get_uri(message));
}

}  // namespace

struct Server::Route {
  std::string method, path;  // a path that ends in "/*" stands for all below it
  void (Server::*handle)(SoupServerMessage *);
  bool open = false;  // without the key: shows nothing of the camera
};

const Server::Route Server::kRoutes[] = {
    {"GET", "/", &Server::page, true},      {"POST", "/v1/chat/completions", &Server::chat},
    {"GET", "/v1/models", &Server::models}, {"GET", "/v1/models/*", &Server::models},
    {"GET", "/metrics", &Server::metrics},  {"GET", "/memory", &Server::memory},
    {"GET", "/keyframe", &Server::picture}, {"GET", "/events", &Server::listen},
};

Server::Server(Served &served, const ListenAddress &address, std::string api_key, const ServerLimits &limits)
    : served_(served),
      api_key_(std::move(api_key)),
      limits_(limits),
      address_(address),
      questions_(served, loop_, limits.questions, limits.answer_ms) {
  GError *error = nullptr;
  loop_->within([&] {
    service_ = g_socket_service_new();
    GSocketAddress *wanted = g_inet_socket_address_new_from_string(address.host.c_str(), address.port),
                   *found = nullptr;
    if (g_socket_listener_add_address(G_SOCKET_LISTENER(service_), wanted, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, nullptr, &found, &error)) {
      address_.port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(found));
      g_object_unref(found);
    }
    g_object_unref(wanted);
    if (error) return;
    soup_ = soup_server_new("raw-paths", TRUE, "server-header", "gst-vtok", nullptr);
    g_signal_connect(service_, "incoming",
                     G_CALLBACK(+[](GSocketService *, GSocketConnection *stream, GObject *,
                                    Server *self) -> gboolean { return self->accept(stream); }),
                     this);
    g_signal_connect(
        soup_, "request-started",
        G_CALLBACK(+[](SoupServer *, SoupServerMessage *message, Server *self) { self->started(message); }),
        this);
    g_signal_connect(soup_, "request-finished",
                     G_CALLBACK(+[](SoupServer *, SoupServerMessage *message, Server *self) {
                       ++self->responses_[soup_server_message_get_status(message)];
                     }),
                     this);
    soup_server_add_early_handler(
        soup_, nullptr,
        [](SoupServer *, SoupServerMessage *message, const char *, GHashTable *, gpointer self) {
          static_cast<Server *>(self)->admit(message);
        },
        this, nullptr);
    soup_server_add_handler(
        soup_, nullptr,
        [](SoupServer *, SoupServerMessage *message, const char *, GHashTable *, gpointer self) {
          static_cast<Server *>(self)->handle(message);
        },
        this, nullptr);
    g_socket_service_start(service_);
  });
  if (error) {
    const std::string why = error->message;
    const bool taken = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    g_error_free(error);
    g_object_unref(service_);
    throw ElementError({GST_RESOURCE_ERROR, taken ? GST_RESOURCE_ERROR_BUSY : GST_RESOURCE_ERROR_OPEN_READ},
                       "cannot listen on " + address.text() + ": " + why);
  }
  loop_->start();
}

Server::~Server() {
  loop_->post([this] { stop(); });
  loop_->join();
  loop_->within([&] {
    soup_server_disconnect(soup_);
    loop_->drain();
    g_object_unref(soup_);
    g_object_unref(service_);
    loop_->drain();
  });
  for (const auto &[stream, connection] : connections_)
    g_object_weak_unref(
        G_OBJECT(stream), [](gpointer self, GObject *s) { static_cast<Server *>(self)->closed(s); }, this);
}

void Server::stop() {
  stopping_ = true;
  g_socket_service_stop(service_);
  g_socket_listener_close(G_SOCKET_LISTENER(service_));
  beat_.stop();
  refresh_.stop();
  questions_.stop();
  events_.stop();
  settle();
  for (const auto &[stream, connection] : connections_)
    if (!connection->busy()) connection->shut();
  if (connections_.empty()) return loop_->quit();
  last_words_.start(*loop_, limits_.stop_ms, [this] { loop_->quit(); });
}

bool Server::accept(GSocketConnection *stream) {
  GSocket *socket = g_socket_connection_get_socket(stream);
  GSocketAddress *local = g_socket_connection_get_local_address(stream, nullptr),
                 *remote = g_socket_connection_get_remote_address(stream, nullptr);
  if (local && remote && !stopping_ && connections_.size() < limits_.connections) {
    g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, TRUE, nullptr);
    auto &connection = connections_[stream] = std::make_unique<Connection>(*loop_, socket);
    g_object_weak_ref(
        G_OBJECT(stream), [](gpointer self, GObject *s) { static_cast<Server *>(self)->closed(s); }, this);
    connection->deadline(limits_.request_ms);
    accepting_ = connection.get();
    soup_server_accept_iostream(soup_, G_IO_STREAM(stream), local, remote, nullptr);
    accepting_ = nullptr;
  }
  g_clear_object(&local);
  g_clear_object(&remote);
  return true;
}

void Server::closed(gpointer stream) {
  connections_.erase(stream);
  if (stopping_ && connections_.empty()) loop_->quit();
}

// Each connection has one message, which exists from the start: every response closes.
void Server::started(SoupServerMessage *message) {
  if (!accepting_) return;
  g_object_set_data_full(G_OBJECT(message), kRequest, new Incoming{accepting_, {}, 0},
                         [](gpointer data) { delete static_cast<Incoming *>(data); });
  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
  g_signal_connect(message, "got-chunk",
                   G_CALLBACK(+[](SoupServerMessage *from, GBytes *chunk, Server *self) {
                     Incoming &in = incoming(from);
                     gsize size;
                     const auto *bytes = static_cast<const char *>(g_bytes_get_data(chunk, &size));
                     in.received += size;
                     if (in.received <= self->limits_.body) in.body.append(bytes, size);
                     if (in.received > self->limits_.drained) in.connection->shut();
                   }),
                   this);
}

void Server::admit(SoupServerMessage *message) {
  SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
  soup_message_headers_remove(headers, "Range");  // libsoup would cut the body to it
  try {
    const std::string path = path_of(message);
    check_browser(message, path == "/");
    const Route &wanted = route(message);
    if (!wanted.open && !api_key_.empty() && !bearer_matches(header(message, "Authorization"), api_key_))
      throw ApiError(401, "a key is needed: send the header Authorization: Bearer KEY with the right one",
                     "invalid_api_key");
    if (wanted.method == "POST") {
      const char *type = soup_message_headers_get_content_type(headers, nullptr);
      if (!type || g_ascii_strcasecmp(type, "application/json") != 0)
        throw ApiError(415, std::string("the request's Content-Type is ") + (type ? type : "not given") +
                                ", expected application/json");
      if (!header(message, "Content-Encoding").empty())
        throw ApiError(415, "the request's body must not be compressed");
    }
    if (soup_message_headers_get_content_length(headers) > goffset(limits_.body))
      throw ApiError(413, "the request has " +
                              std::to_string(soup_message_headers_get_content_length(headers)) +
                              " bytes, at most " + std::to_string(limits_.body) + " are taken");
  } catch (const ApiError &error) {
    respond(message, error);
  }
}

void Server::check_browser(SoupServerMessage *message, bool page) const {  // See Note [Pages of others]
  const std::string host = header(message, "Host"), origin = header(message, "Origin"),
                    site = header(message, "Sec-Fetch-Site");
  if (!host_is_ours(host))
    throw ApiError(421, "'" + host + "' is not this machine: use its address, localhost or its own name",
                   "wrong_host");
  if (!origin_is_ours(origin, host))
    throw ApiError(403, "pages of '" + origin + "' may not ask this camera", "wrong_origin");
  const bool link = page && header(message, "Sec-Fetch-Mode") == "navigate";
  if (!site.empty() && site != "same-origin" && site != "none" && !link)
    throw ApiError(403, "pages of other sites may not ask this camera", "wrong_origin");
}

const Server::Route &Server::route(SoupServerMessage *message) const {
  const std::string path = path_of(message);
  std::string method = soup_server_message_get_method(message), allowed;
  if (method == "HEAD") method = "GET";
  for (const Route &one : kRoutes) {
    const bool below = one.path.ends_with("/*") && path.starts_with(one.path.substr(0, one.path.size() - 1));
    if (one.path != path && !below) continue;
    if (one.method == method) return one;
    allowed = one.method == "GET" ? "GET, HEAD" : one.method;
  }
  if (allowed.empty()) throw ApiError(404, "there is nothing at " + path, "not_found");
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow", allowed.c_str());
  throw ApiError(405, path + " takes " + allowed + " only", "method_not_allowed");
}

void Server::handle(SoupServerMessage *message) {
  Incoming &in = incoming(message);
  in.connection->deadline(limits_.stall_ms);
  in.connection->set_busy();
  try {
    if (in.received > limits_.body)
      throw ApiError(413, "the request has more than " + std::to_string(limits_.body) + " bytes");
    (this->*route(message).handle)(message);
  } catch (const ApiError &error) {
    respond(message, error);
  }
}

const std::string &Server::body_of(SoupServerMessage *message) { return incoming(message).body; }

std::unique_ptr<Reply> Server::later(SoupServerMessage *message, std::function<void()> gone) {
  Connection &connection = *incoming(message).connection;
  connection.deadline(0);
  return std::make_unique<Reply>(message, connection, limits_.stall_ms, std::move(gone));
}

void Server::publish(const std::string &event, const GstStructure *structure) {
  loop_->post([this, event, json = structure_json(structure)] { events_.publish(event, json); });
}

void Server::show(Keyframe keyframe) {
  auto made = std::make_shared<const Keyframe>(std::move(keyframe));
  std::lock_guard lock(showing_->mutex);
  showing_->keyframe = std::move(made);
}

std::shared_ptr<const Keyframe> Server::Showing::now() {
  std::lock_guard lock(mutex);
  return keyframe;
}

}  // namespace vtok
