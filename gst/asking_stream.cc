// What the stream brings to an element that answers: caps, buffers, gaps, the end, and the times at which questions are due.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "gst/asking.h"
#include "gst/http/server.h"
#include "gst/picture.h"

namespace vtok {

void Asking::set_caps(GstCaps *caps) {
  StreamInfo info(caps);
  if (!space_.empty() && space_ != info->space)
    throw ElementError(wrong_caps(), std::string("these tokens are of the space ") + info->space +
                                         ", the language model of " + checkpoint_->folder +
                                         " reads tokens of the space " + space_);
  answerer_.close_group();
  feed_.set_info(info);
  if (server_) gst_pad_push_event(GST_PAD(element_->sinkpads->data), want_pictures());
}

void Asking::set_segment(const GstSegment &segment) {
  answerer_.close_group();
  feed_.set_segment(segment);
  ask_live_ = true;
}

GstFlowReturn Asking::add(GstBuffer *buffer, const std::function<GstFlowReturn()> &interrupted) {
  return guarded_buffer(
      element_,
      [&] {
        if (std::exchange(ask_live_, false)) live_ = upstream_is_live(GST_PAD(element_->sinkpads->data));
        const AskSettings settings = settings_();
        const bool first = feed_.running_end() == 0;
        Part part = feed_.part(buffer, settings.clock);
        stats_.discontinuities += part.after_loss && !first;
        if (server_) show(buffer, part);
        ask_due(part.running);
        at_ = std::max<int64_t>(at_, part.running);
        std::optional<Part> lost;
        for (;;) {
          switch (answerer_.add(part, settings.queue_size, when_full(settings.drop_policy, live_), lost)) {
            case Answerer::Put::kTaken:
              return GST_FLOW_OK;
            case Answerer::Put::kDropped:
              post_lost(*lost);
              return GST_FLOW_OK;
            case Answerer::Put::kFlushing:
              return GST_FLOW_FLUSHING;
            case Answerer::Put::kInterrupted:
              if (const GstFlowReturn flow = interrupted(); flow != GST_FLOW_OK) return flow;
          }
        }
      },
      [&] { ++stats_.bad; });
}

void Asking::show(GstBuffer *buffer, const Part &part) {
  auto picture = picture_of(buffer);
  if (!picture) return;
  Keyframe keyframe{
      feed_.stream_time(part.from), picture->width, picture->height, std::move(picture->rgb), 0, 0};
  if (GstVtokCounts counts; gst_vtok_buffer_get_counts(buffer, &counts)) {
    keyframe.grid_width = counts.grid_width;
    keyframe.grid_height = counts.grid_height;
  }
  server_->show(std::move(keyframe));
}

void Asking::post_lost(const Part &lost) {
  ++stats_.full;
  const int64_t stream = feed_.stream_time(lost.from);
  qos_.post_dropped(element_, live_, lost.running, stream, stream, lost.to - lost.from);
}

void Asking::gap(GstEvent *event) {
  int64_t to;
  if (!feed_.gap(event, to)) return;
  answerer_.gap(to);
  const int64_t running = feed_.running_end();
  ask_due(running);
  at_ = std::max(at_.load(), running);
  if (output_) answerer_.run([this, running] { moved(running); });
}

void Asking::ask_due(int64_t now) {
  if (const int64_t due = schedule_.due(now); due >= 0) ask_lines(due);
  if (watches_.empty()) return;
  if (const int64_t due = watch_schedule_.due(now); due >= 0) ask_watches(due);
}

// See ask_lines(): each standing question waits for its own last answer.
void Asking::ask_watches(int64_t at) {
  for (size_t i = 0; i < watches_.size(); ++i) {
    if (live_ && answerer_.scheduled_waits(int(i))) {
      ++stats_.skipped;
      continue;
    }
    auto options = std::make_shared<AskOptions>();
    options->choices = watches_[i].choices;
    options->temperature = 0;
    options->watch = int(i);
    options->history.emplace();
    stats_.watched += answerer_.ask(watches_[i].question, at, true, std::move(options)) != 0;
  }
}

// A live stream that is asked faster than it is answered skips a round rather than to fall ever further
// behind.
void Asking::ask_lines(int64_t at) {
  std::vector<std::string> refused;
  const auto questions = question_lines(settings_().question, refused);
  if (live_ && answerer_.scheduled_waits()) {
    stats_.skipped += questions.size();
    return;
  }
  const auto alone = std::make_shared<AskOptions>();
  alone->history.emplace();
  for (const std::string &question : questions) stats_.questions += answerer_.ask(question, at, true, alone) != 0;
}

bool Asking::eos(std::function<void()> done) {
  const AskSettings settings = settings_();
  answerer_.close_group();
  at_ = std::max(at_.load(), feed_.running_end());
  std::vector<std::string> questions, refused;
  if (settings.ask_every == 0) questions = question_lines(settings.question, refused);
  for (const std::string &question : questions) stats_.questions += answerer_.ask(question, at_, true) != 0;
  return answerer_.run([this, asked = !questions.empty(), done = std::move(done)] {
    if (stats_.buffers == 0 && !asked) warn("the stream ended before any tokens arrived");
    done();
  }, false, true);
}

void Asking::flush_stop(const std::function<void()> &rested) {
  answerer_.flush_stop([&] {
    scheduled_.clear();
    text_.clear();
    reset_alarms();
    rested();
  });
  schedule_ = Schedule(int64_t(settings_().ask_every * double(GST_SECOND)));
  watch_schedule_ = Schedule(int64_t(settings_().watch_every * double(GST_SECOND)));
  feed_.reset();
  at_ = 0;
}

void Asking::on_part(const Part &part) {
  ++stats_.buffers;
  stats_.tokens += uint64_t(part.tokens.n);
  ++qos_.processed;
  if (output_) moved(part.running);
}

void Asking::on_bad_part(const BadTokens &error) {
  ++stats_.bad;
  post_bad_tokens(element_, error);
}

}  // namespace vtok
