// A client that sends bytes as they are and reads what comes, within a time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

struct Response {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunks put together
  bool complete = false;                       // as long as the headers said
  nlohmann::json json() const { return nlohmann::json::parse(body); }
  nlohmann::json error() const { return json().at("error"); }
};

class Client {
  int fd_;

 public:
  explicit Client(unsigned port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval wait{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
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
  /// What comes next, "" at the end or after 20 s.
  std::string read() {
    char buffer[65536];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    return n > 0 ? std::string(buffer, size_t(n)) : "";
  }
  std::string read_all() {
    std::string all;
    for (std::string piece; !(piece = read()).empty();) all += piece;
    return all;
  }
  /// Reads until `text` has come; all that was read.
  std::string read_until(const std::string &text) {
    std::string all;
    while (all.find(text) == all.npos) {
      const std::string piece = read();
      if (piece.empty()) break;
      all += piece;
    }
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
