// Says what it was given, in one line: for tests and for pipelines without a model.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>
#include <sstream>

#include "models/error.h"
#include "models/llm.h"
#include "models/prompt.h"

namespace vtok {
namespace {

std::string counted(int n, const char *noun) { return std::to_string(n) + " " + noun + (n == 1 ? "" : "s"); }

/// `question "what?", 2 groups, 17 tokens: [00:00.0–00:02.0] 9, [00:02.0–00:03.5] 8 (open)`
std::string line(const Request &request, int tokens) {
  std::ostringstream out;
  out << "question \"" << request.question << "\", ";
  if (!request.system_prompt.empty()) out << "system prompt \"" << request.system_prompt << "\", ";
  for (const Turn &turn : request.history)
    if (!turn.by_model) out << "after \"" << turn.text << "\", ";
  out << counted(int(request.groups.size()), "group") << ", " << counted(tokens, "token");
  const char *before = ": ";
  for (const GroupPtr &group : request.groups) {
    out << before;
    if (request.timestamps) out << timestamp_text(group->from, group->to) << " ";
    out << group->tokens() << (group->closed ? "" : " (open)");
    before = ", ";
  }
  return out.str();
}

// Of choices it says the one whose place is the number of tokens, counted round and round, and is sure of it.
// Reads nothing, and yet remembers no more than a language model would: a camera may be left on for days.
constexpr int kContext = 32768, kTimes = 32;  // tokens; those that the times of a group take

class Echo : public Llm {
 public:
  std::string space() const override { return ""; }
  int context() const override { return kContext; }
  int rows(const Group &group, bool timestamps) const override { return group.tokens() + (timestamps ? kTimes : 0); }
  std::vector<float> gist(const std::string &) const override { return {}; }
  void read_ahead(const void *, const Ahead &) override {}
  Reading reading(const void *) const override { return {}; }

  Answer ask(const Request &request, const std::function<void(const std::string &)> &delta) override {
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    };
    Answer answer;
    see(request.groups, answer);
    answer.prompt_tokens = answer.visual_tokens;
    answer.finish_reason = "stop";
    if (!request.sampling.schema.empty()) throw CannotBeMet("the backend echo keeps to no schema");
    if (const auto &choices = request.sampling.choices; !choices.empty()) {
      const size_t chosen = size_t(answer.visual_tokens) % choices.size();
      answer.shares.assign(choices.size(), 0);
      answer.shares[chosen] = 1;
      answer.text = choices[chosen];
      answer.new_tokens = 1;
      answer.ttft_ms = answer.total_ms = elapsed();
      if (delta) delta(answer.text);
      return answer;
    }
    std::istringstream words(line(request, answer.visual_tokens));
    for (std::string word; words >> word;) {
      if (request.cancelled && *request.cancelled) {
        answer.finish_reason = "cancelled";
        break;
      }
      const std::string piece = (answer.text.empty() ? "" : " ") + word;
      answer.text += piece;
      ++answer.new_tokens;
      if (answer.new_tokens == 1) answer.ttft_ms = elapsed();
      if (delta) delta(piece);
    }
    answer.total_ms = elapsed();
    return answer;
  }
};

}  // namespace

std::shared_ptr<Llm> make_echo(const LlmSettings &, const Progress &) { return std::make_shared<Echo>(); }

}  // namespace vtok
