// What vtokllm and vtokllmsink have in common: everything but the pads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "gst/answerer.h"
#include "gst/bridge.h"
#include "gst/element.h"
#include "gst/feed.h"
#include "gst/http/served.h"
#include "gst/lane.h"
#include "gst/live.h"
#include "gst/loader.h"
#include "gst/model.h"
#include "gst/watch.h"

GST_DEBUG_CATEGORY_EXTERN(vtokllm_debug);

namespace vtok {

/// The property positions.
enum class Positions { kAuto, kOriginal, kCompact };

struct AskSettings {
  ModelSettings model;
  Quantization quantization = Quantization::kNone;
  int backend = row_named(llm_backends(), "torch"), memory = row_named(memory_policies(), "window");
  std::string question, system_prompt, stop, answer_choices, answer_schema, watch, listen, api_key;
  double ask_every = 0, watch_every = 2;
  unsigned max_new_tokens = 128, history = 0, memory_tokens = 0, queue_size = 64;
  Given<double> temperature{0}, top_p{1}, repetition_penalty{1};
  Given<int> top_k{0};
  uint64_t seed = 0;
  bool timestamps = true;
  Positions positions = Positions::kAuto;
  Clock clock = Clock::kStream;
  DropPolicy drop_policy = DropPolicy::kAuto;

  static Choices clocks(), quantizations(), position_rules();
  template <class V>
  void each(V &&v) {
    constexpr Access kPlaying = Access::kPlaying;
    model.each(v);
    v(quantization, "quantization", "Bits of the weights that are read for every token of an answer", quantizations());
    v(backend, "backend", "What answers", choices("GstVtokLlmBackend", llm_backends()));
    v(question, "question", "One question a line", kPlaying);
    v(ask_every, "ask-every", "Seconds from one asking to the next; 0: once, at EOS", 0., 1e9);
    v(system_prompt, "system-prompt", "What the model is told first", kPlaying);
    v(history, "history",
      "Questions of ask and of the end of the stream that stand before the next one with their answers, for which it waits; 0: every "
      "question stands alone, and what was said is forgotten; what ask-every, watch and listen ask always stands alone",
      0u, 1024u, kPlaying);
    v(max_new_tokens, "max-new-tokens", "Longest answer, in tokens", 1u, 1u << 20, kPlaying);
    v(temperature, "temperature", "0: greedy; unset: as the model's generation_config.json says", 0., 100.,
      kPlaying);
    v(top_p, "top-p", "Share of probability sampled from; unset: as the model says", 0., 1., kPlaying);
    v(top_k, "top-k", "Most likely tokens sampled from, 0: all; unset: as the model says", 0, G_MAXINT,
      kPlaying);
    v(repetition_penalty, "repetition-penalty", "1: none; unset: as the model says", .01, 100., kPlaying);
    v(stop, "stop", "Texts that end an answer before them, one a line", kPlaying);
    v(answer_choices, "answer-choices", "Texts one of which every answer is, one a line", kPlaying);
    v(answer_schema, "answer-schema", "JSON schema that every answer keeps to", kPlaying);
    v(watch, "watch",
      "Standing questions, told of by vtok-alert when their answer changes; one a line: NAME | QUESTION | "
      "choices=yes,no when=yes threshold=0.5 hysteresis=0.1 cooldown=0");
    v(watch_every, "watch-every", "Seconds from one asking of the standing questions to the next", .01, 1e9);
    v(seed, "seed", "Of the sampling", 0, G_MAXUINT64, kPlaying);
    v(timestamps, "timestamps", "Tell the model the time span of every group", kPlaying);
    v(positions, "positions", "Where the model is told a visual token stands", position_rules());
    v(clock, "clock", "Which times the model is told", clocks());
    v(memory, "memory", "What is forgotten first", choices("GstVtokMemory", memory_policies()));
    v(memory_tokens, "memory-tokens", "Most visual tokens remembered; 0: what the model's context allows", 0u,
      1u << 30);
    v(drop_policy, "drop-policy", "Which buffer a full queue loses", drop_policies(), kPlaying);
    v(queue_size, "queue-size", "Token buffers that may wait", 1u, 65536u, kPlaying);
    v(listen, "listen",
      "Address and port of an OpenAI endpoint and a page to ask at, as 127.0.0.1:8080; port 0: any that is "
      "free; empty: "
      "none");
    v(api_key, "api-key", "What clients of listen= must send as Authorization: Bearer KEY; empty: nothing",
      Access::kWriteOnly);
  }
};

/// Where answers go beside messages and signals; called in the worker's thread.
class TextOutput {
 public:
  /// Whole answers one after the other, in the order of asking.
  virtual void write_delta(const Question &question, const std::string &piece) = 0;
  virtual void write_answer(const Question &question, const Answer &answer) = 0;
  virtual void moved(int64_t running) = 0;  // no question before this running time is left

 protected:
  ~TextOutput() = default;
};

class Server;

class Asking final : AnswerListener, Served {
  GstElement *const element_;
  std::function<AskSettings()> settings_;
  TextOutput *const output_;  // may be null
  Answerer answerer_{*this};
  Loader<Llm> loader_;
  Qos qos_;
  std::shared_ptr<const Checkpoint> checkpoint_;  // null where the backend needs none
  std::string space_;                             // whose tokens are taken; empty: any
  std::string name_;                              // what clients call the model
  std::atomic<State> state_{State::kStopped};
  std::atomic<unsigned> port_{0};
  std::unique_ptr<Server> server_;  // from READY on, where listen= is set

  // Of the worker.
  Lane scheduled_;  // the property's questions are answered in order, for scripts and logs
  Lane text_;       // what is written for output_

  // Of the streaming thread.
  Feed feed_;
  Schedule schedule_, watch_schedule_;
  bool ask_live_ = true;

  std::vector<Watch> watches_;  // from READY to PAUSED on
  std::vector<Alarm> alarms_;   // one each; the worker's
  std::atomic<bool> live_{false};
  std::atomic<int64_t> at_{0};  // running time come to, ns
  struct Stats {
    std::atomic<uint64_t> buffers{0}, tokens{0}, questions{0}, answers{0}, watched{0}, alerts{0}, skipped{0}, full{0}, bad{0},
        refused{0}, failed{0}, discontinuities{0};
    std::atomic<double> ttft_ms{0}, total_ms{0};
  } stats_;

 public:
  Asking(GstElement *element, std::function<AskSettings()> settings, TextOutput *output);

  ~Asking();

  // State changes; these throw ElementError.
  void open();                                   // NULL to READY: configuration is checked
  void start();                                  // READY to PAUSED: the model starts to load
  void unblock() { answerer_.interrupt_all(); }  // before PAUSED to READY
  void stop();                                   // after PAUSED to READY
  void close();

  // The stream. `interrupted` is asked whether to go on when a wait for room was interrupted.
  GstFlowReturn add(GstBuffer *buffer, const std::function<GstFlowReturn()> &interrupted);
  void set_caps(GstCaps *caps);  // throws ElementError naming both spaces
  void set_segment(const GstSegment &segment);
  void gap(GstEvent *event);
  /// The last questions are asked; `done` runs in the worker when they are answered. False: flushing.
  bool eos(std::function<void()> done);
  bool run_always(std::function<void()> what) { return answerer_.run(std::move(what), true); }
  bool run(std::function<void()> what) { return answerer_.run(std::move(what)); }
  void flush_start() { answerer_.flush_start(); }
  void flush_stop(const std::function<void()> &rested);
  void interrupt(bool interrupted) { answerer_.interrupt(interrupted); }

  // Applications.
  uint64_t ask(const char *text);  // 0: refused, a WARNING says why
  /// A question with wishes and a listener of its own. Throws std::invalid_argument where the text is no
  /// question, std::logic_error where nothing can be asked now.
  uint64_t ask(const std::string &text, std::shared_ptr<const AskOptions> options) override;
  bool cancel(uint64_t id) override { return answerer_.cancel(id); }
  GstStructure *stats() const override;
  unsigned current_port() const { return port_; }

 private:
  void reset_alarms();
  void ask_due(int64_t now);
  void ask_lines(int64_t at);
  void ask_watches(int64_t at);
  void tell_watch(const Question &question, const Answer &answer);
  void show(GstBuffer *buffer, const Part &part);
  void post_lost(const Part &lost);
  void warn(const std::string &sentence);

  State serving() override { return state_; }
  std::string element_name() override;
  std::string model_name() override { return name_; }
  bool remembered(std::function<void(std::vector<GroupPtr>)> tell) override {
    return answerer_.remembered(std::move(tell));
  }
  int64_t stream_time(int64_t told) override { return feed_.stream_time(told); }

  AnswerSettings answer_settings() override;
  bool live() override { return live_; }
  void moved(int64_t running);
  void on_question(const Question &question) override;
  void on_delta(const Question &question, const std::string &piece) override;
  void tell_answer(const Question &question, const Answer &answer);
  void on_answer(const Question &question, const Answer &answer) override;
  void on_part(const Part &part) override;
  void on_bad_part(const BadTokens &error) override;
  void on_warning(const std::string &sentence) override { warn(sentence); }
};

/// The signals ask, cancel, answer-delta and answer of an element T that has an `Asking &asking()`.
template <class T>
void install_ask_signals(gpointer klass) {
  const GType type = G_TYPE_FROM_CLASS(klass);
  using Ask = guint64 (*)(GstElement *, const gchar *);
  using Cancel = gboolean (*)(GstElement *, guint64);
  const Ask ask = [](GstElement *element, const gchar *text) {
    return guint64(self<T>(element).asking().ask(text));
  };
  const Cancel cancel = [](GstElement *element, guint64 id) {
    return gboolean(self<T>(element).asking().cancel(id));
  };
  constexpr auto kAction = GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  g_signal_new_class_handler("ask", type, kAction, G_CALLBACK(ask), nullptr, nullptr, nullptr, G_TYPE_UINT64,
                             1, G_TYPE_STRING);
  g_signal_new_class_handler("cancel", type, kAction, G_CALLBACK(cancel), nullptr, nullptr, nullptr,
                             G_TYPE_BOOLEAN, 1, G_TYPE_UINT64);
  for (const char *name : {"answer-delta", "answer"})
    g_signal_new(name, type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 2, G_TYPE_UINT64,
                 G_TYPE_STRING);
}

}  // namespace vtok
