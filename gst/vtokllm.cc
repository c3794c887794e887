// vtokllm: remembers visual tokens and writes answers to questions about them as text.
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-vtokllm
 * @title: vtokllm
 * @short_description: Turns a stream of visual tokens into answers
 *
 * Asks and answers as #vtokllmsink does, and pushes each answer as a text buffer that ends in a newline, its
 * PTS the running time of asking (`deltas`: one buffer per piece), its duration `ask-every`: so long an element
 * like textoverlay shows it. GAP events go out while there is nothing
 * to say, the EOS event after the last answer.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vtokenc ! vtokllm backend=echo question="What is there?" !
 * fakesink dump=true
 * ]|
 */
#include "gst/asking.h"

namespace vtok {
namespace {

struct VtokLlmSettings : AskSettings {
  bool deltas = false;
  template <class V>
  void each(V &&v) {
    AskSettings::each(v);
    v(deltas, "deltas", "Push a buffer for each piece of an answer as it is made");
  }
};

class VtokLlm : public Element<GstElement, VtokLlmSettings>, TextOutput {
  GstPad *sink_, *src_;
  std::atomic<GstFlowReturn> flow_{GST_FLOW_OK};  // what downstream last said
  // Of the worker.
  GstClockTime position_ = 0;                       // running time up to which downstream knows
  bool open_ = false;                               // a segment has been sent, and no EOS since
  std::vector<std::shared_ptr<GstEvent>> refused_;  // by a flushing downstream; sent once the flush is over
  Asking asking_{element(), [this] { return AskSettings(settings()); }, this};

  GstFlowReturn chain(GstBuffer *buffer);
  gboolean sink_event(GstEvent *event);
  void forward(const std::shared_ptr<GstEvent> &event);
  void begin(guint32 seqnum);
  void end(GstEvent *eos);
  void push(const std::string &text, int64_t at);
  void write_delta(const Question &question, const std::string &piece) override;
  void write_answer(const Question &question, const Answer &answer) override;
  void moved(int64_t running) override;

 public:
  static constexpr ElementInfo kInfo{"vtokllm", "GstVtokLlm", "LLM for visual tokens", "Converter/Text/LLM",
                                     "Answers questions about a stream of visual tokens as text"};
  static void class_init(GstElementClass *klass) {
    add_pad_template(klass, "sink", GST_PAD_SINK, GST_VTOK_MEDIA_TYPE ", stream-format=(string)raw; " GST_VTOK_MEDIA_TYPE
                     "(memory:CUDAMemory), stream-format=(string)raw");
    add_pad_template(klass, "src", GST_PAD_SRC, "text/x-raw, format=(string)utf8");
    klass->change_state = Hook<&VtokLlm::change_state, GST_STATE_CHANGE_FAILURE>();
    install_ask_signals<VtokLlm>(klass);
  }
  explicit VtokLlm(GstElement *object);
  Asking &asking() { return asking_; }
  GstStructure *stats() const { return asking_.stats(); }
  unsigned current_port() const { return asking_.current_port(); }
  GstStateChangeReturn change_state(GstStateChange change);
};

VtokLlm::VtokLlm(GstElement *object) : Element(object) {
  GstElementClass *klass = GST_ELEMENT_GET_CLASS(object);
  sink_ = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "sink"), "sink");
  src_ = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "src"), "src");
  gst_pad_set_chain_function(sink_, [](GstPad *, GstObject *parent, GstBuffer *buffer) {
    return self<VtokLlm>(parent).chain(buffer);
  });
  gst_pad_set_event_function(sink_, [](GstPad *, GstObject *parent, GstEvent *event) {
    return self<VtokLlm>(parent).sink_event(event);
  });
  gst_pad_set_query_function(sink_, [](GstPad *pad, GstObject *parent, GstQuery *query) -> gboolean {
    // What is asked about buffers is about tokens: it ends here.
    if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) return FALSE;
    return gst_pad_query_default(pad, parent, query);
  });
  gst_pad_set_event_function(src_, [](GstPad *pad, GstObject *parent, GstEvent *event) -> gboolean {
    if (GST_EVENT_TYPE(event) != GST_EVENT_QOS) return gst_pad_event_default(pad, parent, event);
    gst_event_unref(event);  // a late answer is no reason to leave out frames
    return TRUE;
  });
  gst_pad_use_fixed_caps(src_);
  gst_element_add_pad(object, sink_);
  gst_element_add_pad(object, src_);
}

GstStateChangeReturn VtokLlm::change_state(GstStateChange change) {
  if (change == GST_STATE_CHANGE_NULL_TO_READY) asking_.open();
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED) {
    flow_ = GST_FLOW_OK;
    position_ = 0;
    open_ = false;
    refused_.clear();
    asking_.start();
  }
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY) asking_.unblock();
  const auto result = GST_ELEMENT_CLASS(Holder<VtokLlm>::parent_class)->change_state(element(), change);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (change == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    asking_.stop();
  if (change == GST_STATE_CHANGE_READY_TO_NULL) asking_.close();
  return result;
}

GstFlowReturn VtokLlm::chain(GstBuffer *buffer) {
  const BufferPtr held(buffer);
  if (const GstFlowReturn flow = flow_; flow != GST_FLOW_OK) return flow;
  return asking_.add(buffer, [] { return GST_FLOW_OK; });
}

gboolean VtokLlm::sink_event(GstEvent *event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      gst_pad_push_event(src_, event);
      asking_.flush_start();
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      asking_.flush_stop([&] {
        flow_ = GST_FLOW_OK;
        position_ = 0;
        open_ = false;
        gst_pad_push_event(src_, event);
        for (const auto &lost : std::exchange(refused_, {})) forward(lost);
      });
      return TRUE;
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps(event, &caps);
      const gboolean fits = guarded(element(), FALSE, [&]() -> gboolean {
        asking_.set_caps(caps);
        return TRUE;
      });
      gst_event_unref(event);
      return fits;
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment;
      gst_event_parse_segment(event, &segment);
      asking_.set_segment(*segment);
      const guint32 seqnum = gst_event_get_seqnum(event);
      gst_event_unref(event);
      return asking_.run([this, seqnum] { begin(seqnum); });
    }
    case GST_EVENT_GAP:
      asking_.gap(event);
      gst_event_unref(event);
      return TRUE;
    case GST_EVENT_EOS: {
      const std::shared_ptr<GstEvent> eos(event, gst_event_unref);
      return asking_.eos([this, eos] { end(eos.get()); });
    }
    default:
      break;
  }
  if (!(gst_event_type_get_flags(GST_EVENT_TYPE(event)) & GST_EVENT_TYPE_SERIALIZED))
    return gst_pad_event_default(sink_, GST_OBJECT(element()), event);
  const std::shared_ptr<GstEvent> held(event, gst_event_unref);
  return asking_.run_always([this, held] { forward(held); });
}

void VtokLlm::forward(const std::shared_ptr<GstEvent> &event) {
  if (!gst_pad_push_event(src_, gst_event_ref(event.get())) && GST_PAD_IS_FLUSHING(src_))
    refused_.push_back(event);
}

// Answers carry running time, so the segment starts at 0 whatever upstream's is. The GAP lets sinks preroll.
void VtokLlm::begin(guint32 seqnum) {
  if (open_) return;
  open_ = true;
  if (!gst_pad_has_current_caps(src_)) {
    GstCaps *caps = gst_pad_get_pad_template_caps(src_);
    gst_pad_push_event(src_, gst_event_new_caps(caps));
    gst_caps_unref(caps);
  }
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent *event = gst_event_new_segment(&segment);
  gst_event_set_seqnum(event, seqnum);
  gst_pad_push_event(src_, event);
  gst_pad_push_event(src_, gst_event_new_gap(position_, 0));
}

void VtokLlm::end(GstEvent *eos) {
  open_ = false;
  gst_pad_push_event(src_, gst_event_ref(eos));
  if (const GstFlowReturn flow = flow_; flow == GST_FLOW_NOT_LINKED || flow <= GST_FLOW_NOT_NEGOTIATED)
    GST_ELEMENT_FLOW_ERROR(element(), flow);
}

void VtokLlm::push(const std::string &text, int64_t at) {
  if (!open_ || text.empty()) return;
  GstBuffer *buffer = gst_buffer_new_memdup(text.data(), text.size());
  position_ = std::max(position_, GstClockTime(std::max<int64_t>(at, 0)));
  GST_BUFFER_PTS(buffer) = position_;
  if (const double every = settings().ask_every; every > 0)
    GST_BUFFER_DURATION(buffer) = GstClockTime(every * GST_SECOND);
  if (const GstFlowReturn flow = gst_pad_push(src_, buffer); flow != GST_FLOW_OK) flow_ = flow;
}

void VtokLlm::write_delta(const Question &question, const std::string &piece) {
  if (settings().deltas) push(piece, question.at);
}

void VtokLlm::write_answer(const Question &question, const Answer &answer) {
  const bool complete = answer.finish_reason == "stop" || answer.finish_reason == "length";
  if (answer.text.empty() && !complete) return;
  const std::string line_end = answer.text.ends_with('\n') ? "" : "\n";
  push(settings().deltas ? line_end : answer.text + line_end, question.at);
}

void VtokLlm::moved(int64_t running) {
  if (!open_ || running <= int64_t(position_)) return;
  gst_pad_push_event(src_, gst_event_new_gap(position_, GstClockTime(running) - position_));
  position_ = GstClockTime(running);
}

}  // namespace

bool register_vtokllm(GstPlugin *plugin) { return register_element<VtokLlm>(plugin); }

}  // namespace vtok
