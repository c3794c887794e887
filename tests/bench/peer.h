// A peer in a process of its own (hf_peer.py): takes a request a line, answers with seconds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace vtok::bench {

class Peer {
  pid_t process = -1;
  FILE *to = nullptr, *from = nullptr;

  std::string line() {
    char text[256];
    return fgets(text, sizeof text, from) ? text : "";
  }

 public:
  /// Throws std::runtime_error where the command does not come up.
  explicit Peer(const std::vector<std::string> &command) {
    int down[2], up[2];
    if (pipe(down) || pipe(up)) throw std::runtime_error("no pipe to the peer");
    signal(SIGPIPE, SIG_IGN);
    process = fork();
    if (process == 0) {
      dup2(down[0], 0);
      dup2(up[1], 1);
      for (int fd : {down[0], down[1], up[0], up[1]}) close(fd);
      std::vector<char *> arguments;
      for (const std::string &word : command) arguments.push_back(const_cast<char *>(word.c_str()));
      arguments.push_back(nullptr);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    close(down[0]);
    close(up[1]);
    to = fdopen(down[1], "w");
    from = fdopen(up[0], "r");
    if (line() != "ready\n") throw std::runtime_error("the peer did not start: " + command[0]);
  }
  ~Peer() {
    if (to) fclose(to);
    if (from) fclose(from);
    if (process > 0) waitpid(process, nullptr, 0);
  }
  Peer(const Peer &) = delete;
  Peer &operator=(const Peer &) = delete;

  double seconds(const std::string &request) {
    fprintf(to, "%s\n", request.c_str());
    fflush(to);
    const std::string answer = line();
    if (answer.empty()) throw std::runtime_error("the peer gave up at: " + request);
    return std::stod(answer);
  }
};

inline std::string python() {
  const char *python = getenv("VTOK_BENCH_PYTHON");
  return python ? python : "python3";
}

/// Whether python() has transformers; a line on stderr where not.
inline bool has_transformers() {
  const bool has = system((python() + " -c 'import torch, transformers' 2>/dev/null").c_str()) == 0;
  if (!has) fprintf(stderr, "no transformers in %s: measuring without the peer\n", python().c_str());
  return has;
}

/// Hugging Face transformers in bfloat16; null where there is none.
inline std::unique_ptr<Peer> hugging_face(const std::string &checkpoint) {
  if (!has_transformers()) return nullptr;
  return std::make_unique<Peer>(std::vector<std::string>{python(), VTOK_BENCH "/hf_peer.py", checkpoint, "2"});
}

/// The random checkpoint of true shapes; made on the first call.
inline std::string checkpoint() {
  FILE *made = popen("python3 " VTOK_BENCH "/make_checkpoint.py", "r");
  char text[4096] = {};
  if (!made || !fgets(text, sizeof text, made) || pclose(made) != 0)
    throw std::runtime_error("make_checkpoint.py failed");
  std::string folder = text;
  folder.pop_back();
  return folder;
}

}  // namespace vtok::bench
