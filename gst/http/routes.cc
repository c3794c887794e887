// What the server says at each of its paths.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <nlohmann/json.hpp>

#include "gst/http/metrics.h"
#include "gst/http/page.h"
#include "gst/http/server.h"

namespace vtok {

using json = nlohmann::ordered_json;

static constexpr char kJson[] = "application/json";
static constexpr unsigned kRefreshMs = 1000, kSettleMs = 1000, kBeatMs = 15000;

void Server::page(SoupServerMessage *message) {
  const Page page = make_page();
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Content-Security-Policy",
                               page.policy.c_str());
  respond(message, SOUP_STATUS_OK, "text/html; charset=utf-8", page.html);
}

void Server::models(SoupServerMessage *message) {
  const std::string name = served_.model_name();
  const json model = {{"id", name}, {"object", "model"}, {"created", 0}, {"owned_by", "gst-vtok"}};
  const std::string path = g_uri_get_path(soup_server_message_get_uri(message)), below = "/v1/models/";
  if (!path.starts_with(below))
    return respond(message, SOUP_STATUS_OK, kJson, json({{"object", "list"}, {"data", {model}}}).dump());
  gchar *decoded = g_uri_unescape_string(path.c_str() + below.size(), nullptr);
  const std::string wanted = decoded ? decoded : "";
  g_free(decoded);
  if (wanted != name)
    throw ApiError(404, "there is no model '" + wanted + "', the camera's is '" + name + "'",
                   "model_not_found", "model");
  respond(message, SOUP_STATUS_OK, kJson, model.dump());
}

void Server::chat(SoupServerMessage *message) {
  const std::string &body = body_of(message);
  questions_.ask(parse_chat(body),
                 [&](std::function<void()> gone) { return later(message, std::move(gone)); });
}

void Server::metrics(SoupServerMessage *message) {
  GstStructure *stats = served_.stats();
  std::string text = prometheus_text(stats, served_.element_name());
  gst_structure_free(stats);
  text += "# TYPE vtok_http_responses_total counter\n";
  for (const auto &[status, count] : responses_)
    text +=
        "vtok_http_responses_total{code=\"" + std::to_string(status) + "\"} " + std::to_string(count) + "\n";
  text += prometheus_line("vtok_http_connections", "gauge", "", double(connections_.size()));
  text += prometheus_line("vtok_http_questions", "gauge", "", double(questions_.size()));
  text += prometheus_line("vtok_http_listeners", "gauge", "", double(events_.size()));
  respond(message, SOUP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8", text);
}

void Server::memory(SoupServerMessage *message) {
  want_memory_.emplace_front();
  const auto place = want_memory_.begin();
  *place = later(message, [this, place] { want_memory_.erase(place); });
  if (!ask_memory()) return settle();
  settle_.start(*loop_, kSettleMs, [this] { settle(); });
}

void Server::picture(SoupServerMessage *message) {
  const auto shown = showing_->now();
  if (!shown) throw ApiError(404, "no keyframe was seen yet", "no_keyframe");
  respond(message, SOUP_STATUS_OK, "image/bmp", bitmap(*shown));
}

void Server::listen(SoupServerMessage *message) {
  if (events_.size() >= limits_.listeners)
    throw ApiError(429, std::to_string(events_.size()) + " clients listen already", "rate_limit_exceeded", "",
                   5);
  events_.add([&](std::function<void()> gone) { return later(message, std::move(gone)); });
  told_memory_.clear();  // so that the newcomer hears of it
  if (beat_.running()) return;
  const auto refresh = [this] {
    ask_memory();
    if (events_.size()) return;
    beat_.stop();
    refresh_.stop();
  };
  beat_.start(
      *loop_, kBeatMs, [this] { events_.beat(); }, true);
  refresh_.start(*loop_, kRefreshMs, refresh, true);
  refresh();
}

// The worker writes it down, so that nothing here keeps groups that the memory has let go. Whether it came to
// that or threw the request away: what it held is given back, and those who wait are told.
bool Server::ask_memory() {
  if (asked_memory_) return true;
  const std::shared_ptr<void> over(nullptr, [loop = loop_, this](void *) {
    loop->post([this] {
      asked_memory_ = false;
      settle();
    });
  });
  asked_memory_ = true;
  const bool asked = served_.remembered([loop = loop_, this, showing = showing_, &served = served_,
                                         over](const std::vector<GroupPtr> &groups) {
    const auto shown = showing->now();
    loop->post([this, text = memory_json(
                          groups, [&](int64_t told) { return served.stream_time(told); }, shown.get())] {
      memory_ = text;
    });
  });
  return asked;
}

void Server::settle() {
  settle_.stop();
  if (memory_.empty()) memory_ = memory_json({}, {}, nullptr);
  for (const auto &reply : want_memory_) reply->whole(SOUP_STATUS_OK, kJson, memory_);
  want_memory_.clear();
  if (memory_ == told_memory_) return;
  told_memory_ = memory_;
  events_.publish("memory", memory_);
}

}  // namespace vtok
