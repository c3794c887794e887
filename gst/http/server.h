// The camera as an OpenAI endpoint: listens, lets in whom it may, hands requests to those who answer them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <libsoup/soup.h>

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gst/http/address.h"
#include "gst/http/events.h"
#include "gst/http/questions.h"

namespace vtok {

struct ServerLimits {
  size_t body = 1 << 20;        // bytes of a request
  size_t drained = 16 << 20;    // bytes read of a body that is refused, so that its client reads why
  size_t connections = 64;      // at once; more are closed unheard
  size_t questions = 8;         // at once; more are refused with 429
  size_t listeners = 8;         // of /events
  unsigned request_ms = 15000;  // from connecting to the request's last byte
  unsigned stall_ms = 30000;    // in which a client must read something of what waits for it
  unsigned answer_ms = 300000;  // from asking to the answer's last word
  unsigned stop_ms = 500;       // for last words when the server stops
};

/// Answers in a thread of its own; nothing here waits for it but the destructor.
class Server {
  struct Route;
  static const Route kRoutes[];
  Served &served_;
  const std::string api_key_;  // empty: everybody may
  const ServerLimits limits_;
  const std::shared_ptr<Loop> loop_ = std::make_shared<Loop>();
  ListenAddress address_;

  // Of the loop's thread.
  std::map<gpointer, std::unique_ptr<Connection>> connections_;  // by their GSocketConnection
  Connection *accepting_ = nullptr;
  Questions questions_;
  Events events_;
  std::list<std::unique_ptr<Reply>> want_memory_;
  std::string memory_, told_memory_;  // as last seen, as last published; empty: never
  bool asked_memory_ = false, stopping_ = false;
  Timer beat_, refresh_, settle_, last_words_;
  std::map<unsigned, uint64_t> responses_;  // by status
  GSocketService *service_ = nullptr;
  SoupServer *soup_ = nullptr;

  struct Showing {  // shared with what was asked of the worker, which may come to it after the server's end
    std::mutex mutex;
    std::shared_ptr<const Keyframe> keyframe;
    std::shared_ptr<const Keyframe> now();
  };
  const std::shared_ptr<Showing> showing_ = std::make_shared<Showing>();

 public:
  /// Listens from now on. Throws ElementError (RESOURCE) where the address cannot be had.
  Server(Served &served, const ListenAddress &address, std::string api_key, const ServerLimits &limits = {});
  ~Server();
  const ListenAddress &address() const { return address_; }  // with the port that was found
  /// Any thread.
  void publish(const std::string &event, const GstStructure *structure);
  void show(Keyframe keyframe);

 private:
  bool accept(GSocketConnection *stream);
  void closed(gpointer stream);
  void started(SoupServerMessage *message);
  void admit(SoupServerMessage *message);   // headers are there
  void handle(SoupServerMessage *message);  // all is there
  const Route &route(SoupServerMessage *message) const;
  void check_browser(SoupServerMessage *message, bool page) const;
  static const std::string &body_of(SoupServerMessage *message);
  std::unique_ptr<Reply> later(SoupServerMessage *message, std::function<void()> gone);

  void page(SoupServerMessage *message);
  void models(SoupServerMessage *message);
  void chat(SoupServerMessage *message);
  void metrics(SoupServerMessage *message);
  void memory(SoupServerMessage *message);
  void picture(SoupServerMessage *message);
  void listen(SoupServerMessage *message);

  bool ask_memory();
  void settle();
  void stop();
};

}  // namespace vtok
