// A client that sends bytes as they are and reads what comes, within a time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

struct Response {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunks put together
  bool complete = false;                       // as long as the headers said
  nlohmann::json json() const { return nlohmann::json::parse(body); }
  nlohmann::json error() const { return json().at("error"); }
};

/// Every read has a deadline of its own, however much comes meanwhile: an event stream never falls silent.
class Client {
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPatience{60};
  int fd_;
  std::string ahead_;  // came behind what was waited for
  bool late_ = false;  // a read met its deadline

  /// Adds what comes next; false at the end, or when `deadline` has passed.
  bool more(std::string &to, Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd readable{fd_, POLLIN, 0};
    if (left <= 0 || poll(&readable, 1, int(left)) <= 0) {
      late_ = true;
      return false;
    }
    char buffer[65536];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) to.append(buffer, size_t(n));
    return n > 0;
  }

 public:
  explicit Client(unsigned port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval wait{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (receive_buffer) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(fd_, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  }
  Client(const Client &) = delete;
  ~Client() { hang_up(); }
  void hang_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  bool send(const std::string &bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;
      at += size_t(n);
    }
    return true;
  }
  /// All until the server closes; what came and a failed check when it does not.
  std::string read_all() {
    std::string all = std::exchange(ahead_, "");
    const auto deadline = Clock::now() + kPatience;
    while (more(all, deadline)) {
    }
    if (late_) FAIL_CHECK("the connection stays open after: " << all);
    return all;
  }
  /// Up to and with `text`; what is behind it waits for the next read. Where it does not come, what came and
  /// a failed check.
  std::string read_until(const std::string &text) {
    std::string all = std::exchange(ahead_, "");
    const auto deadline = Clock::now() + kPatience;
    while (all.find(text) == all.npos)
      if (!more(all, deadline)) {
        FAIL_CHECK("\"" << text << "\" does not come, but: " << all);
        return all;
      }
    const size_t end = all.find(text) + text.size();
    ahead_ = all.substr(end);
    all.resize(end);
    return all;
  }
};

inline Response parse_response(const std::string &bytes) {
  Response r;
  const size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos || bytes.compare(0, 7, "HTTP/1.") != 0) return r;
  r.status = std::stoi(bytes.substr(9, 3));
  for (size_t at = bytes.find("\r\n"); at < end;) {
    const size_t next = bytes.find("\r\n", at + 2);
    const std::string line = bytes.substr(at + 2, next - at - 2);
    std::string name = line.substr(0, line.find(':'));
    for (char &c : name) c = char(tolower(c));
    r.headers[name] = line.substr(std::min(line.size(), line.find(':') + 2));
    at = next;
  }
  std::string rest = bytes.substr(end + 4);
  if (r.headers["transfer-encoding"] == "chunked") {
    while (!rest.empty()) {
      const size_t line = rest.find("\r\n"), size = std::stoul(rest, nullptr, 16);
      if (line == rest.npos || rest.size() < line + 4 + size) break;
      if (size == 0) r.complete = true;
      r.body += rest.substr(line + 2, size);
      rest.erase(0, line + 4 + size);
    }
  } else {
    r.body = rest;
    r.complete =
        !r.headers.count("content-length") || r.headers["content-length"] == std::to_string(rest.size());
  }
  return r;
}

inline std::string request_text(const std::string &method, const std::string &path,
                                const std::string &body = "", const std::string &headers = "",
                                const std::string &host = "localhost") {
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers;
  if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}
inline Response get(unsigned port, const std::string &path, const std::string &headers = "",
                    const std::string &host = "localhost") {
  Client client(port);
  client.send(request_text("GET", path, "", headers, host));
  return parse_response(client.read_all());
}
inline constexpr char kJsonType[] = "Content-Type: application/json\r\n";
inline std::string chat_text(const std::string &body, const std::string &headers = kJsonType) {
  return request_text("POST", "/v1/chat/completions", body, headers);
}
inline Response chat(unsigned port, const std::string &body, const std::string &headers = kJsonType) {
  Client client(port);
  client.send(chat_text(body, headers));
  return parse_response(client.read_all());
}
/// A body that asks `question`; `more` as ", \"stream\": true".
inline std::string asking(const std::string &question, const std::string &more = "") {
  return "{\"model\": \"echo\", \"messages\": [{\"role\": \"user\", \"content\": \"" + question + "\"}]" +
         more + "}";
}
