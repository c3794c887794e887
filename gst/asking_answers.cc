// What an element that answers tells: pieces, answers and alerts, in messages, signals and events.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "gst/asking.h"
#include "gst/http/server.h"

#define GST_CAT_DEFAULT vtokllm_debug

namespace vtok {

/// Answers keep the time of asking: nothing after it is left behind before they are written. A live stream lags no more than
/// a second for that; an answer that takes longer gets the time which the stream has come to.
void Asking::moved(int64_t running) {
  constexpr int64_t kLag = GST_SECOND;
  const int64_t held = std::min(running, answerer_.oldest());
  output_->moved(live_ ? std::max(held, running - kLag) : held);
}

void Asking::on_question(const Question &question) {
  if (question.scheduled) scheduled_.enter(question.id);
  if (output_ && !question.standing()) text_.enter(question.id);
}

void Asking::on_delta(const Question &question, const std::string &piece) {
  if (question.standing()) return;
  const auto tell = [=, this] {
    g_signal_emit_by_name(element_, "answer-delta", guint64(question.id), piece.c_str());
    if (question.options && question.options->listener) question.options->listener->on_delta(piece);
  };
  scheduled_.tell(question.id, tell);
  if (output_) text_.tell(question.id, [=, this] { output_->write_delta(question, piece); });
}

void Asking::on_answer(const Question &question, const Answer &answer) {
  if (question.standing()) return scheduled_.tell(question.id, [=, this] { tell_watch(question, answer); }, true);
  scheduled_.tell(question.id, [=, this] { tell_answer(question, answer); }, true);
  if (output_) text_.tell(question.id, [=, this] { output_->write_answer(question, answer); }, true);
}

void Asking::tell_answer(const Question &question, const Answer &answer) {
  ++stats_.answers;
  stats_.failed += answer.finish_reason == "error";
  stats_.ttft_ms = answer.ttft_ms;
  stats_.total_ms = answer.total_ms;
  const bool saw = answer.visual_tokens > 0;
  const int64_t from = saw ? feed_.stream_time(answer.from) : 0, to = saw ? feed_.stream_time(answer.to) : 0;
  GST_INFO_OBJECT(element_, "question %" G_GUINT64_FORMAT " answered: %s", guint64(question.id),
                  answer.finish_reason.c_str());
  g_signal_emit_by_name(element_, "answer", guint64(question.id), answer.text.c_str());
  GstStructure *fields = gst_structure_new(
      "vtok-answer", "id", G_TYPE_UINT64, guint64(question.id), "question", G_TYPE_STRING,
      question.text.c_str(), "text", G_TYPE_STRING, answer.text.c_str(), "finish-reason", G_TYPE_STRING,
      answer.finish_reason.c_str(), "from", G_TYPE_UINT64, guint64(std::max<int64_t>(from, 0)), "to",
      G_TYPE_UINT64, guint64(std::max<int64_t>(to, 0)), "tokens", G_TYPE_UINT, guint(answer.visual_tokens),
      "ttft-ms", G_TYPE_DOUBLE, answer.ttft_ms, "total-ms", G_TYPE_DOUBLE, answer.total_ms, nullptr);
  if (server_) server_->publish("answer", fields);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), fields));
  if (question.options && question.options->listener) question.options->listener->on_answer(answer, from, to);
}

// What was not seen or said changes nothing.
void Asking::tell_watch(const Question &question, const Answer &answer) {
  const auto number = size_t(question.options->watch);
  const Watch &watch = watches_[number];
  const auto place = size_t(std::find(watch.choices.begin(), watch.choices.end(), watch.when) - watch.choices.begin());
  if (answer.visual_tokens == 0 || answer.shares.size() != watch.choices.size()) return;
  if (answer.finish_reason != "stop" || !alarms_[number].see(answer.shares[place], question.at)) return;
  ++stats_.alerts;
  GST_INFO_OBJECT(element_, "alert %s %s", watch.name.c_str(), alarms_[number].active() ? "begins" : "ends");
  GstStructure *fields = gst_structure_new(
      "vtok-alert", "id", G_TYPE_UINT64, guint64(question.id), "name", G_TYPE_STRING, watch.name.c_str(), "active",
      G_TYPE_BOOLEAN, gboolean(alarms_[number].active()), "question", G_TYPE_STRING, watch.question.c_str(), "text",
      G_TYPE_STRING, answer.text.c_str(), "probability", G_TYPE_DOUBLE, answer.shares[place], "from", G_TYPE_UINT64,
      guint64(std::max<int64_t>(feed_.stream_time(answer.from), 0)), "to", G_TYPE_UINT64,
      guint64(std::max<int64_t>(feed_.stream_time(answer.to), 0)), nullptr);
  if (server_) server_->publish("alert", fields);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), fields));
}

}  // namespace vtok
