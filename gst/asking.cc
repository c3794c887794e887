// Token buffers in, answers as messages and signals out: settings, states, what applications ask.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/asking.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "gst/http/server.h"
#include "models/family.h"
#include "models/grammar.h"

GST_DEBUG_CATEGORY(vtokllm_debug);
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

}  // namespace vtok
