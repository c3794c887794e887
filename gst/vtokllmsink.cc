// vtokllmsink: remembers visual tokens and answers questions about them by messages and signals.
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-vtokllmsink
 * @title: vtokllmsink
 * @short_description: Answers questions about a stream of visual tokens
 *
 * Keeps the groups of a token stream in a bounded memory. Questions come from the property `question` (at
 * EOS, or every `ask-every` seconds) and from the action signal `ask`, at any moment until READY, after EOS
 * too. Each answer is posted as an element message `vtok-answer` with the fields id (guint64), question,
 * text, finish-reason ("stop", "length", "cancelled", "no-tokens", "not-remembered", "error"), from, to (guint64, ns of stream
 * time: the span it saw), tokens (guint), ttft-ms, total-ms (gdouble), and by the signal `answer`; pieces of
 * it come before by `answer-delta`. A question that begins with a span of time, as "[04:30–05:30] What is moving?" or, back from
 * now, "[-70 – -50] ...", sees what is remembered of that span alone. Standing questions (`watch`) post a `vtok-alert` with the fields id (guint64), name,
 * active (gboolean), question, text, probability (gdouble), from, to (guint64) when their condition begins or ends to
 * hold. With `history`, the last questions of `ask` and of the end of the stream stand before the next one with their
 * answers, for which it waits. The EOS message follows the last answer. `sync` is off: data is taken as
 * fast as it comes.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m videotestsrc num-buffers=30 ! vtokenc ! vtokllmsink backend=echo question="What is
 * there?"
 * ]|
 */
#include <condition_variable>

#include "gst/asking.h"

namespace vtok {
namespace {

class VtokLlmSink : public Element<GstBaseSink, AskSettings> {
  Asking asking_{element(), [this] { return settings(); }, nullptr};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answered_ = false;  // all that was asked before EOS
  uint64_t unlocks_ = 0;   // how often waits were interrupted

  GstBaseSinkClass *base() const { return GST_BASE_SINK_CLASS(Holder<VtokLlmSink>::parent_class); }
  GstFlowReturn wait_preroll() { return gst_base_sink_wait_preroll(object()); }
  bool finish();

 public:
  static constexpr ElementInfo kInfo{"vtokllmsink", "GstVtokLlmSink", "LLM sink for visual tokens",
                                     "Sink/Text/LLM/Network",
                                     "Answers questions about a stream of visual tokens"};
  static void class_init(GstBaseSinkClass *klass) {
    add_pad_template(klass, "sink", GST_PAD_SINK, GST_VTOK_MEDIA_TYPE ", stream-format=(string)raw; " GST_VTOK_MEDIA_TYPE
                     "(memory:CUDAMemory), stream-format=(string)raw");
    GST_ELEMENT_CLASS(klass)->change_state = Hook<&VtokLlmSink::change_state, GST_STATE_CHANGE_FAILURE>();
    klass->set_caps = Hook<&VtokLlmSink::set_caps, FALSE>();
    klass->event = Hook<&VtokLlmSink::event, FALSE>();
    klass->render = Hook<&VtokLlmSink::render, GST_FLOW_ERROR>();
    klass->unlock = Hook<&VtokLlmSink::unlock, FALSE>();
    klass->unlock_stop = Hook<&VtokLlmSink::unlock_stop, FALSE>();
    install_ask_signals<VtokLlmSink>(klass);
  }
  explicit VtokLlmSink(GstBaseSink *object) : Element(object) {
    gst_base_sink_set_sync(object, FALSE);
    gst_base_sink_set_last_sample_enabled(object, FALSE);
  }
  Asking &asking() { return asking_; }
  GstStructure *stats() const { return asking_.stats(); }
  unsigned current_port() const { return asking_.current_port(); }

  GstStateChangeReturn change_state(GstStateChange change) {
    if (change == GST_STATE_CHANGE_NULL_TO_READY) asking_.open();
    if (change == GST_STATE_CHANGE_READY_TO_PAUSED) asking_.start();
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY) asking_.unblock();
    const auto result = GST_ELEMENT_CLASS(base())->change_state(element(), change);
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
        (change == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
      asking_.stop();
    if (change == GST_STATE_CHANGE_READY_TO_NULL) asking_.close();
    return result;
  }
  gboolean set_caps(GstCaps *caps) {
    asking_.set_caps(caps);
    return TRUE;
  }
  GstFlowReturn render(GstBuffer *buffer) {
    return asking_.add(buffer, [this] { return wait_preroll(); });
  }
  gboolean unlock() {
    asking_.interrupt(true);
    std::lock_guard lock(mutex_);
    ++unlocks_;
    changed_.notify_all();
    return TRUE;
  }
  gboolean unlock_stop() {
    asking_.interrupt(false);
    return TRUE;
  }
  gboolean event(GstEvent *event);
};

gboolean VtokLlmSink::event(GstEvent *event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      asking_.flush_start();
      break;
    case GST_EVENT_FLUSH_STOP:
      asking_.flush_stop([] {});
      break;
    case GST_EVENT_GAP:
      asking_.gap(event);
      break;
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment;
      gst_event_parse_segment(event, &segment);
      asking_.set_segment(*segment);
      break;
    }
    case GST_EVENT_EOS: {
      if (gst_base_sink_do_preroll(object(), GST_MINI_OBJECT(event)) == GST_FLOW_OK && finish()) break;
      gst_event_unref(event);
      return FALSE;
    }
    default:
      break;
  }
  return base()->event(object(), event);
}

// Waits for the last answers; false where a flush or a state change ended that. In PAUSED it waits on.
// GstBaseSink holds its preroll lock meanwhile, as it does in render(); unlock() makes us let go of it.
bool VtokLlmSink::finish() {
  std::unique_lock lock(mutex_);
  answered_ = false;
  uint64_t unlocks = unlocks_;
  lock.unlock();
  if (!asking_.eos([this] {
        std::lock_guard done(mutex_);
        answered_ = true;
        changed_.notify_all();
      }))
    return false;
  lock.lock();
  for (;;) {
    changed_.wait(lock, [&] { return answered_ || unlocks_ != unlocks; });
    if (answered_) return true;
    unlocks = unlocks_;
    lock.unlock();
    if (wait_preroll() != GST_FLOW_OK) return false;
    lock.lock();
  }
}

}  // namespace

bool register_vtokllmsink(GstPlugin *plugin) { return register_element<VtokLlmSink>(plugin); }

}  // namespace vtok
