// vtokenc: video frames to visual tokens, one buffer per frame, in a thread of its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The streaming thread puts frames and serialised events into one queue; the source pad's task takes them out
// in that order, so that caps, segments, GAPs and EOS stay where they were among the frames. Frames are held
// back while the model loads, events are not: the caps go out at once.
#pragma once
#include <atomic>
#include <memory>
#include <variant>
#include <vector>

#include "gst/element.h"
#include "gst/encoding.h"
#include "gst/loader.h"
#include "gst/model.h"

GST_DEBUG_CATEGORY_EXTERN(vtokenc_debug);

namespace vtok {

struct VtokEncSettings {
  ModelSettings model;
  unsigned batch = 0, queue_size = 16;
  DropPolicy drop_policy = DropPolicy::kAuto;
  template <class V>
  void each(V &&v) {
    model.each(v);
    v(batch, "batch", "Most frames encoded at once, of those that wait; 0: as suits the device", 0u, 64u,
      Access::kPlaying);
    v(drop_policy, "drop-policy", "Which frame a full queue loses", drop_policies(), Access::kPlaying);
    v(queue_size, "queue-size", "Frames that may wait", 1u, 1024u, Access::kPlaying);
  }
};

struct UnrefEvent {
  void operator()(GstEvent *event) const { gst_event_unref(event); }
};
using EventPtr = std::unique_ptr<GstEvent, UnrefEvent>;

class VtokEnc : public Element<GstElement, VtokEncSettings> {
  using Item = std::variant<BufferPtr, EventPtr>;
  GstPad *sink_, *src_;
  Queue<Item> queue_;
  Loader<Encoder> loader_;
  Qos qos_;
  EncodingStats stats_;
  std::atomic<GstFlowReturn> flow_{GST_FLOW_FLUSHING};
  std::atomic<bool> live_{false}, lost_{false}, eos_{false}, working_{false};
  Delay delay_;

  // Of READY and above.
  std::shared_ptr<const Checkpoint> checkpoint_;
  EncoderInfo info_;
  Placement placement_;
  // Of the streaming thread.
  GstSegment in_segment_;
  bool ask_live_ = true;
  // Of the task, and of a flush while it is paused.
  Encoding encoding_;
  std::vector<EventPtr> refused_;  // by a flush; what is sticky is sent after it
  CapsPtr caps_;

  // vtokenc_input.cc: the streaming thread fills the queue.
  GstFlowReturn chain(BufferPtr video);
  gboolean sink_event(EventPtr event);
  gboolean sink_query(GstQuery *query);
  // vtokenc_output.cc: the task empties it; what downstream asks.
  gboolean activate_src(gboolean active);
  void work();
  GstFlowReturn encode(BufferPtr first);
  GstFlowReturn finish();
  GstFlowReturn push(std::vector<BufferPtr> buffers);
  GstFlowReturn forward(EventPtr event);
  gboolean src_event(GstEvent *event);
  gboolean src_query(GstQuery *query);
  // vtokenc_caps.cc: what the tokens are.
  bool set_caps(GstCaps *video);
  void check_downstream();

 public:
  static constexpr ElementInfo kInfo{"vtokenc", "GstVtokEnc", "Visual token encoder",
                                     "Inference/Encoder/Video",
                                     "Turns video frames into visual tokens for a language model"};
  static void class_init(GstElementClass *klass);
  explicit VtokEnc(GstElement *object);
  GstStateChangeReturn change_state(GstStateChange change);
  GstStructure *stats() const;
};

}  // namespace vtok
