// vtokoverlay: draws over each picture which of its regions the language model still gets tokens of.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Two streaming threads: the tokens' fills `kept_` and says up to which time no more will come; the video's
// waits for that, as long as it is worth it, and draws.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "gst/cell_drawing.h"
#include "gst/compressor.h"
#include "gst/element.h"

GST_DEBUG_CATEGORY_EXTERN(vtokoverlay_debug);

namespace vtok {

struct OverlaySettings {
  bool wait = true;
  DrawingStyle style;

  template <class V>
  void each(V &&v) {
    using enum Access;
    v(wait, "wait", "Let a picture wait for the tokens of its time", kPlaying);
    v(style.alpha, "alpha", "How dark regions without a token become", 0., 1., kPlaying);
    v(style.weights, "weights", "Write how many tokens a merged one stands for", kPlaying);
  }
};

struct UnrefComposition {
  void operator()(GstVideoOverlayComposition *c) const { gst_video_overlay_composition_unref(c); }
};

class VtokOverlay : public Element<GstElement, OverlaySettings> {
  GstPad *video_, *tokens_, *src_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Under the mutex.
  bool stopped_ = true, video_flushing_ = false, tokens_flushing_ = false;
  Kept kept_;
  GstClockTime known_ = 0;    // running time before which no more tokens come
  bool tokens_over_ = false;  // EOS
  uint64_t arrivals_ = 0;     // of tokens and GAPs
  bool stalled_ = false;      // a picture waited in vain and nothing has arrived since
  bool live_ = false;
  GstClockTime hold_ = 0;  // how long a picture may wait in a live pipeline

  // Of the video's streaming thread.
  bool ask_live_ = true;
  GstSegment video_segment_;
  GstVideoInfo format_;
  std::shared_ptr<const KeptCells> drawn_;
  DrawingStyle drawn_style_;
  std::unique_ptr<GstVideoOverlayComposition, UnrefComposition> drawing_;  // of drawn_ in drawn_style_
  // Of the tokens'.
  GstSegment tokens_segment_;
  StreamInfo info_;

  std::atomic<uint64_t> frames_{0}, drawn_frames_{0}, early_{0}, tokens_in_{0}, bad_{0}, lost_{0}, waited_{0};

 public:
  static constexpr ElementInfo kInfo{"vtokoverlay", "GstVtokOverlay", "Visual token overlay",
                                     "Filter/Editor/Video",
                                     "Draws over video which regions visual tokens are left of"};

  static void class_init(GstElementClass *klass);
  explicit VtokOverlay(GstElement *object);

  GstStructure *stats() const;
  GstStateChangeReturn change_state(GstStateChange change);

 private:
  // vtokoverlay_video.cc: all but the pixels goes through.
  GstFlowReturn chain_video(BufferPtr frame);
  gboolean video_event(GstEvent *event);
  bool await_tokens(std::unique_lock<std::mutex> &lock, GstClockTime at);
  void wait_live(std::unique_lock<std::mutex> &lock, GstClockTime at);
  BufferPtr drawn(BufferPtr frame, std::shared_ptr<const KeptCells> cells);
  gboolean src_query(GstQuery *query);
  gboolean src_event(GstEvent *event);
  // vtokoverlay_tokens.cc: they end here.
  GstFlowReturn chain_tokens(BufferPtr buffer);
  GstFlowReturn keep(GstBuffer *buffer);
  gboolean tokens_event(GstEvent *event);
  void tokens_known(GstClockTime until);

  template <class F>
  void change(F &&what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  void forget_tokens() {
    kept_.clear();
    known_ = 0;
    tokens_over_ = stalled_ = false;
  }
};

}  // namespace vtok
