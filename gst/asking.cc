// Token buffers in, answers as messages and signals out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/asking.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "gst/http/server.h"
#include "gst/picture.h"
#include "models/family.h"
#include "models/grammar.h"

GST_DEBUG_CATEGORY_STATIC(vtokllm_debug);
#define GST_CAT_DEFAULT vtokllm_debug

namespace vtok {
namespace {

std::vector<std::string> lines(const std::string &text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) out.push_back(line);
  return out;
}

}  // namespace

Choices AskSettings::clocks() {
  static const Choice rows[] = {{"stream", "Stream time: from the start of the film or the camera"},
                                {"utc", "Time of day in UTC, by upstream's reference timestamps"}};
  return {choice_type("GstVtokClock", rows)};
}

Choices AskSettings::position_rules() {
  static const Choice rows[] = {{"auto", "original where the model tells times and places apart (M-RoPE), else compact"},
                                {"original", "At its own time and place, whatever was left out around it"},
                                {"compact", "After the token before it, as text does"}};
  return {choice_type("GstVtokPositions", rows)};
}

Choices AskSettings::quantizations() {
  static const Choice rows[] = {{"none", "The checkpoint's own weights"},
                                {"int8", "8 bits, a scale for every 64 weights of a row"},
                                {"int4", "4 bits, a scale for every 64 weights of a row; 8 for the choice of the word"}};
  static_assert(int(Quantization::kInt8) == 1 && int(Quantization::kInt4) == 2);
  return {choice_type("GstVtokQuantization", rows)};
}

Asking::Asking(GstElement *element, std::function<AskSettings()> settings, TextOutput *output)
    : element_(element), settings_(std::move(settings)), output_(output) {
  static const bool once = [] {
    GST_DEBUG_CATEGORY_INIT(vtokllm_debug, "vtokllm", 0, "LLM for visual tokens");
    return true;
  }();
  (void)once;
  g_signal_connect(element_, "notify::history", G_CALLBACK(+[](GstElement *, GParamSpec *, Asking *asking) {
                     if (asking->settings_().history == 0) asking->answerer_.forget_conversation();
                   }),
                   this);
}

Asking::~Asking() = default;

void Asking::open() {
  const AskSettings settings = settings_();
  const LlmBackend &backend = llm_backends()[settings.backend];
  name_ = backend.name;
  if (backend.needs_checkpoint) {
    checkpoint_ = open_model(settings.model);
    checked(settings_failure(), [&] {
      check_llm(*checkpoint_);
      if (settings.positions == Positions::kOriginal && !family_of(*checkpoint_).language(*checkpoint_).positions.places)
        throw std::runtime_error("positions=original asks for times and places of tokens, which a " + checkpoint_->family +
                                 " does not tell apart: expected auto or compact");
    });
    name_ = std::filesystem::path(checkpoint_->folder).filename();
  }
  if (settings.listen.empty()) return;
  const ListenAddress address = checked(settings_failure(), [&] { return parse_listen(settings.listen); });
  Served &served = *this;
  server_ = std::make_unique<Server>(served, address, settings.api_key);
  port_ = server_->address().port;
  GST_INFO_OBJECT(element_, "listening on %s", server_->address().text().c_str());
  if (!address.loopback && settings.api_key.empty())
    warn("whoever reaches " + server_->address().text() +
         " can see and ask this camera: set api-key, or listen on " + "127.0.0.1");
}

void Asking::close() {
  port_ = 0;
  server_ = nullptr;
  checkpoint_ = nullptr;
}

std::string Asking::element_name() {
  gchar *name = gst_element_get_name(element_);
  const std::string out = name;
  g_free(name);
  return out;
}

void Asking::start() {
  const AskSettings settings = settings_();
  const LlmBackend &backend = llm_backends()[settings.backend];
  LlmSettings llm{checkpoint_, {}};
  space_.clear();
  if (backend.needs_checkpoint) {
    checked(settings_failure(), [&] {
      llm.placement = resolve_placement(settings.model.device, settings.model.dtype, settings.quantization);
      space_ = describe_encoder(*checkpoint_).space;
    });
  }
  std::vector<std::string> refused;
  question_lines(settings.question, refused);
  for (const std::string &sentence : refused) warn(sentence);
  schedule_ = Schedule(int64_t(settings.ask_every * double(GST_SECOND)));
  checked(settings_failure(), [&] {
    watches_ = parse_watches(settings.watch);
    if (!settings.answer_schema.empty()) schema_grammar(settings.answer_schema);
  });
  reset_alarms();
  watch_schedule_ = Schedule(int64_t(settings.watch_every * double(GST_SECOND)));
  answerer_.start(memory_policies()[settings.memory], int(settings.memory_tokens));
  state_ = State::kLoading;
  loader_.start(
      element_, backend.needs_checkpoint ? "the language model of " + checkpoint_->folder : backend.name,
      [make = backend.make, llm](const Progress &progress) { return make(llm, progress); },
      [this] {
        const auto model = loader_.model();
        answerer_.ready(model);
        state_ = model ? State::kReady : State::kFailed;
      });
}

void Asking::stop() {
  loader_.stop();
  state_ = State::kStopped;
  answerer_.stop();
  scheduled_.clear();
  text_.clear();
  qos_.reset();
  feed_.reset();
  at_ = 0;
  ask_live_ = true;
  for (auto *count : {&stats_.buffers, &stats_.tokens, &stats_.questions, &stats_.answers, &stats_.skipped, &stats_.watched, &stats_.alerts,
                      &stats_.full, &stats_.bad, &stats_.refused, &stats_.failed, &stats_.discontinuities})
    *count = 0;
  stats_.ttft_ms = stats_.total_ms = 0;
}

void Asking::warn(const std::string &sentence) {
  gst_element_message_full(element_, GST_MESSAGE_WARNING, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
                           g_strdup(sentence.c_str()), nullptr, __FILE__, GST_FUNCTION, __LINE__);
}

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

uint64_t Asking::ask(const char *text) {
  try {
    return ask(text ? text : "", nullptr);
  } catch (const std::exception &error) {
    warn(error.what());
    return 0;
  }
}

uint64_t Asking::ask(const std::string &text, std::shared_ptr<const AskOptions> options) {
  if (answerer_.waiting() >= Answerer::kMostWait) {
    ++stats_.refused;
    throw std::logic_error(std::to_string(Answerer::kMostWait) +
                           " questions wait for their answers already: ask again when some have come");
  }
  const uint64_t id = answerer_.ask(question_text(text), at_, false, std::move(options));
  if (!id)
    throw std::logic_error("a question can be asked from PAUSED on, and not while the stream is flushing");
  ++stats_.questions;
  return id;
}

void Asking::reset_alarms() {
  alarms_.clear();
  for (const Watch &watch : watches_) alarms_.emplace_back(watch);
}

GstStructure *Asking::stats() const {
  const Reading reading = answerer_.reading();
  return gst_structure_new("vtokllm-stats", "buffers-in", G_TYPE_UINT64, stats_.buffers.load(), "tokens-in",
                           G_TYPE_UINT64, stats_.tokens.load(), "questions", G_TYPE_UINT64,
                           stats_.questions.load(), "answers", G_TYPE_UINT64, stats_.answers.load(),
                           "questions-skipped", G_TYPE_UINT64, stats_.skipped.load(), "dropped-full",
                           G_TYPE_UINT64, stats_.full.load(), "dropped-bad", G_TYPE_UINT64, stats_.bad.load(),
                           "ttft-ms", G_TYPE_DOUBLE, stats_.ttft_ms.load(), "total-ms", G_TYPE_DOUBLE,
                           stats_.total_ms.load(), "queue", G_TYPE_UINT, guint(answerer_.depth()), "questions-refused", G_TYPE_UINT64,
                           stats_.refused.load(), "groups-forgotten", G_TYPE_UINT64, guint64(answerer_.forgotten()),
                           "rows-ahead", G_TYPE_UINT64, guint64(reading.all), "standing-questions", G_TYPE_UINT64, stats_.watched.load(), "alerts",
                           G_TYPE_UINT64, stats_.alerts.load(), "answers-failed", G_TYPE_UINT64, stats_.failed.load(), "reads-failed", G_TYPE_UINT64,
                           guint64(answerer_.failed_reads()), "discontinuities", G_TYPE_UINT64, stats_.discontinuities.load(), "rows-behind", G_TYPE_UINT64,
                           guint64(reading.first_wanted - reading.first), nullptr);
}

AnswerSettings Asking::answer_settings() {
  const AskSettings s = settings_();
  return {s.system_prompt,
          {},
          s.history,
          s.timestamps,
          s.positions == Positions::kCompact,
          {int(s.max_new_tokens), s.temperature.get(), s.top_p.get(), s.repetition_penalty.get(),
           s.top_k.get(), s.seed, lines(s.stop), lines(s.answer_choices), s.answer_schema}};
}

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
