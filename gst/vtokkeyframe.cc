// vtokkeyframe: leaves out frames that show nothing new and says where groups start.
// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-vtokkeyframe
 * @title: vtokkeyframe
 * @short_description: drops near-duplicate frames, opens groups
 *
 * Compares each frame with the last one kept, on a small luma picture, and drops it where the change is not
 * above `threshold`. Kept frames pass unchanged and uncopied; a meta on each names its group. A group starts
 * with the first frame, after FLUSH, SEGMENT or a caps change, when it would grow longer than `max-interval`,
 * and, with `method=scene`, at each cut. A stream that pauses starts one too, marked DISCONT: nobody saw what
 * was there meanwhile. Where frames are dropped, a GAP event a second tells downstream that time goes on.
 *
 * Behind vtokenc it does the same with frames of tokens, by the cosines of the tokens in the same places: the
 * encoder has then seen every frame, and what is not new by its own measure never reaches the compressors. A
 * frame that starts a group as it comes in (DELTA_UNIT unset) starts one here.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 pattern=ball ! vtokkeyframe threshold=0.02 ! fakesink
 * silent=false -v
 * ]| |[
 * gst-launch-1.0 videotestsrc num-buffers=30 pattern=ball ! vtokenc ! vtokkeyframe ! vtokspatial ! fakesink
 * silent=false -v
 * ]|
 */
#include <gst/video/video.h>

#include "gst/bridge.h"
#include "gst/compressor.h"
#include "gst/element.h"
#include "gst/looking.h"

GST_DEBUG_CATEGORY_STATIC(vtokkeyframe_debug);
#define GST_CAT_DEFAULT vtokkeyframe_debug

namespace vtok {
namespace {

constexpr GstClockTime kGapEvery = GST_SECOND;
// Frames are missing where the next one comes later than this, and than so many times the last distance between two.
constexpr GstClockTime kPause = GST_SECOND, kPauseTimes = 4;

struct KeyframeSettings {
  int method = row_named(keyframe_methods(), "difference");
  double threshold = -1;
  uint64_t min_interval = 0, max_interval = 10 * GST_SECOND;

  template <class V>
  void each(V &&v) {
    using enum Access;
    v(method, "method", "How much a frame differs from the last kept one",
      choices("GstVtokKeyframeMethod", keyframe_methods()));
    v(threshold, "threshold", "A frame is kept when its change is above; -1: the method's own", -1., 1.,
      kPlaying);
    v(min_interval, "min-interval", "Least time between kept frames, ns", 0, G_MAXINT64, kPlaying);
    v(max_interval, "max-interval", "Longest group, ns; 0: no limit", 0, G_MAXINT64, kPlaying);
  }
};

class VtokKeyframe : public Element<GstBaseTransform, KeyframeSettings> {
  // From start to stop; the streaming thread's. Times in ns, GST_CLOCK_TIME_NONE where there is none yet.
  const KeyframeMethod *row_ = nullptr;
  std::unique_ptr<Looking> looking_;  // null before the first caps
  GstClockTime frame_ = 0;  // how long a frame without a duration lasts
  bool restart_ = true;     // the next frame is kept and starts a group
  GstClockTime kept_ = GST_CLOCK_TIME_NONE, group_start_ = GST_CLOCK_TIME_NONE;
  GstClockTime told_ = GST_CLOCK_TIME_NONE;  // downstream has heard of the time up to here
  GstClockTime end_ = GST_CLOCK_TIME_NONE;   // of the last frame that came in
  GstClockTime came_ = GST_CLOCK_TIME_NONE, distance_ = 0;  // of the last frame; from the one before it
  uint64_t group_ = 0;

  std::atomic<uint64_t> frames_in_{0}, frames_out_{0}, groups_{0}, duplicates_{0}, too_soon_{0}, bad_{0},
      gaps_{0}, ns_{0};

 public:
  using Element::Element;
  static constexpr ElementInfo kInfo{"vtokkeyframe", "GstVtokKeyframe", "Visual token keyframe selector",
                                     "Filter/Tokens",
                                     "Drops frames that show nothing new, marks where groups start"};

  static void class_init(GstBaseTransformClass *klass) {
    GST_DEBUG_CATEGORY_INIT(vtokkeyframe_debug, "vtokkeyframe", 0, "Visual token keyframe selector");
    const std::string caps = std::string(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL) "; ") + kTokenCaps;
    add_pad_template(klass, "sink", GST_PAD_SINK, caps.c_str());
    add_pad_template(klass, "src", GST_PAD_SRC, caps.c_str());
    klass->passthrough_on_same_caps = TRUE;
    klass->start = Hook<&VtokKeyframe::start, FALSE>();
    klass->set_caps = Hook<&VtokKeyframe::set_caps, FALSE>();
    klass->sink_event = Hook<&VtokKeyframe::sink_event, FALSE>();
    klass->generate_output = Hook<&VtokKeyframe::generate_output, GST_FLOW_ERROR>();
  }

  GstStructure *stats() const {
    return gst_structure_new("vtokkeyframe", "frames-in", G_TYPE_UINT64, guint64(frames_in_), "frames-out",
                             G_TYPE_UINT64, guint64(frames_out_), "groups", G_TYPE_UINT64, guint64(groups_),
                             "dropped-duplicate", G_TYPE_UINT64, guint64(duplicates_), "dropped-min-interval",
                             G_TYPE_UINT64, guint64(too_soon_), "dropped-bad-frame", G_TYPE_UINT64,
                             guint64(bad_), "gaps", G_TYPE_UINT64, guint64(gaps_), "compare-ms",
                             G_TYPE_DOUBLE, double(ns_) / 1e6, nullptr);
  }

 private:
  gboolean start() {
    for (auto *count : {&frames_in_, &frames_out_, &groups_, &duplicates_, &too_soon_, &bad_, &gaps_, &ns_})
      *count = 0;
    row_ = &keyframe_methods()[settings().method];
    looking_ = nullptr;
    group_ = 0;
    forget();
    return TRUE;
  }

  void forget() {
    restart_ = true;
    kept_ = group_start_ = told_ = end_ = came_ = GST_CLOCK_TIME_NONE;
    distance_ = 0;
    if (looking_) looking_->reset();
  }

  gboolean set_caps(GstCaps *in, GstCaps *) {
    looking_ = look_at(*row_, in);
    int frames = 0, seconds = 1;
    gst_structure_get_fraction(gst_caps_get_structure(in, 0), "framerate", &frames, &seconds);
    frame_ = frames > 0 ? gst_util_uint64_scale(GST_SECOND, guint64(seconds), guint64(frames)) : 0;
    restart_ = true;
    return TRUE;
  }

  gboolean sink_event(GstEvent *event) {
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_SEGMENT:
        tell_time(end_);
        forget();
        break;
      case GST_EVENT_FLUSH_STOP:
        forget();
        break;
      case GST_EVENT_EOS:
        tell_time(end_);
        break;
      case GST_EVENT_GAP: {  // nothing new, but somebody looked
        GstClockTime from, length;
        gst_event_parse_gap(event, &from, &length);
        if (GST_CLOCK_TIME_IS_VALID(from)) came_ = from + (GST_CLOCK_TIME_IS_VALID(length) ? length : 0);
        break;
      }
      default:
        break;
    }
    return GST_BASE_TRANSFORM_CLASS(Holder<VtokKeyframe>::parent_class)->sink_event(object(), event);
  }

  GstFlowReturn generate_output(GstBuffer **out) {
    *out = nullptr;
    BufferPtr in(std::exchange(object()->queued_buf, nullptr));
    if (!in) return GST_FLOW_OK;
    ++frames_in_;
    return guarded_buffer(
        object(),
        [&] {
          *out = select(std::move(in)).release();
          return GST_FLOW_OK;
        },
        [&] { ++bad_; });
  }

  // The frame, marked, or null where it is dropped.
  BufferPtr select(BufferPtr in) {
    const KeyframeSettings now = settings();
    const GstClockTime pts = GST_BUFFER_PTS(in.get());
    const GstClockTime lasts =
        GST_BUFFER_DURATION_IS_VALID(in.get()) ? GST_BUFFER_DURATION(in.get()) : frame_;
    restart_ = restart_ || looking_->opens(in.get());
    double change;
    {
      Stopwatch watch(ns_);
      change = looking_->change(in.get());
    }
    const bool paused = after_pause(pts);
    if (paused) {
      tell_time(end_);
      restart_ = true;
    }
    if (GST_CLOCK_TIME_IS_VALID(pts)) end_ = pts + lasts;

    const bool above = change > (now.threshold < 0 ? looking_->threshold() : now.threshold);
    const bool too_long = now.max_interval && since(group_start_, end_) > now.max_interval;
    const bool timed = GST_CLOCK_TIME_IS_VALID(kept_) && GST_CLOCK_TIME_IS_VALID(pts);
    if (timed && pts < kept_) restart_ = true;  // time has run back without a segment to say so
    const bool too_soon = timed && since(kept_, pts) < now.min_interval;
    const bool starts = restart_ || too_long || (above && row_->opens_groups && !too_soon);
    GST_LOG_OBJECT(object(), "%" GST_TIME_FORMAT ": change %.4f%s", GST_TIME_ARGS(pts), change,
                   starts ? ", starts a group" : "");
    if (!starts && (!above || too_soon)) {
      ++(above ? too_soon_ : duplicates_);
      if (since(told_, end_) >= kGapEvery) tell_time(end_);
      return nullptr;
    }
    looking_->keep(in.get());
    kept_ = pts;
    told_ = end_;
    ++frames_out_;
    if (starts) {
      group_start_ = pts;
      group_ += groups_ > 0;
      ++groups_;
      restart_ = false;
    }
    BufferPtr kept(gst_buffer_make_writable(in.release()));  // copies no pixel
    if (paused) GST_BUFFER_FLAG_SET(kept.get(), GST_BUFFER_FLAG_DISCONT);
    looking_->mark(kept.get(), starts, group_);
    return kept;
  }

  bool after_pause(GstClockTime pts) {
    const GstClockTime distance = since(std::exchange(came_, pts), pts);
    const bool paused = distance_ && distance > std::max(kPause, kPauseTimes * distance_);
    if (!paused) distance_ = distance;
    return paused;
  }

  // ns from one time to another; 0 where either is unknown or they run backwards.
  static GstClockTime since(GstClockTime from, GstClockTime to) {
    return GST_CLOCK_TIME_IS_VALID(from) && GST_CLOCK_TIME_IS_VALID(to) && to > from ? to - from : 0;
  }

  // A GAP over what downstream has not heard of.
  void tell_time(GstClockTime until) {
    const GstClockTime silent = since(told_, until);
    if (!silent) return;
    ++gaps_;
    gst_pad_push_event(object()->srcpad, gst_event_new_gap(told_, silent));
    told_ = until;
  }
};

}  // namespace

bool register_vtokkeyframe(GstPlugin *plugin) { return register_element<VtokKeyframe>(plugin); }

}  // namespace vtok
