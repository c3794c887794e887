// The questions that came by HTTP and wait for their answers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <map>
#include <memory>

#include "gst/http/chat.h"
#include "gst/http/completion.h"
#include "gst/http/reply.h"
#include "gst/http/served.h"

namespace vtok {

/// Between the worker that answers and the server's thread, to which everything here but the listeners
/// belongs.
class Questions {
  struct Open {
    std::unique_ptr<Reply> reply;
    Completion completion;
    bool stream = false;
    uint64_t question = 0;
    Timer limit;
  };
  class Listener;
  Served &served_;
  const std::shared_ptr<Loop> loop_;
  const size_t limit_;        // at once
  const unsigned answer_ms_;  // from asking to the last word
  std::map<uint64_t, Open> open_;
  uint64_t last_ = 0;

  void on_delta(uint64_t key, const std::string &piece);
  void on_answer(uint64_t key, const Answer &answer, int64_t from, int64_t to);
  void fail(uint64_t key, const ApiError &error);
  void forget(uint64_t key);

 public:
  Questions(Served &served, std::shared_ptr<Loop> loop, size_t limit, unsigned answer_ms)
      : served_(served), loop_(std::move(loop)), limit_(limit), answer_ms_(answer_ms) {}
  ~Questions() { stop(); }
  size_t size() const { return open_.size(); }
  /// Asks; the answer goes to the reply that `reply(gone)` makes. Throws ApiError, and the message is then as
  /// before.
  void ask(ChatRequest request,
           const std::function<std::unique_ptr<Reply>(std::function<void()> gone)> &reply);
  /// Cancels all that wait, and tells their clients.
  void stop();
};

}  // namespace vtok
