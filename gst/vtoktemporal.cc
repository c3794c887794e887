// vtoktemporal: fewer tokens per group, by a method of models/temporal.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-vtoktemporal
 * @title: vtoktemporal
 * @short_description: compresses the visual tokens of a group of frames
 *
 * A buffer without DELTA_UNIT starts a group; the next start, EOS, FLUSH, SEGMENT or a caps change closes it.
 * With `mode=group` one buffer comes out when the group closes. With `mode=incremental` each frame's new
 * tokens come out at once (a GAP where there are none), and the buffer that closes the group carries the
 * group's exact tokens, the group's PTS and `replaces` in its GstVtokMeta: it replaces what the open group
 * had sent. How far the two were apart is in `stats`: `ahead-tokens` and `exact-tokens` count what was sent
 * ahead of closed groups and what these became, and the distance of an exact token is 1 minus its cosine to
 * the most similar token sent ahead (`ahead-distance-mean`, `ahead-distance-most`).
 *
 * `tokens-per-second` is a target, not a bound: each closed group gets as many tokens as its span allows,
 * whatever `tau` says, and what a group had too few of, or too many, is carried to those that follow (ten
 * seconds' worth at most). A group cannot have more tokens than its frames bring: where vtokspatial leaves
 * fewer, raise its `tau`. `stats` tells what the last minute had: `tokens-per-second`, beside
 * `tokens-per-second-wanted`. `max-tokens` bounds a group all the same, and `memory-tokens` of vtokllmsink what a
 * question sees.
 *
 * With `mode=group` tokens come out as late as their group is long; the longest group so far is the latency
 * that the element adds. Where a sink that waits for the clock is behind it, every sink of the pipeline is
 * delayed by that, a display beside it too; vtokllmsink takes tokens as they come and delays nothing. Where
 * tokens, or what is made of them, are shown in time, use `mode=incremental`, which adds no latency, or short
 * groups (`max-interval` of vtokkeyframe).
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vtokkeyframe ! vtokenc ! vtokspatial ! vtoktemporal
 * mode=incremental ! fakesink silent=false -v
 * ]|
 */
#include <mutex>

#include "gst/compressor.h"
#include "gst/element.h"
#include "gst/open_group.h"
#include "models/drift.h"
#include "models/rate.h"
#include "models/temporal.h"

GST_DEBUG_CATEGORY_STATIC(vtoktemporal_debug);
#define GST_CAT_DEFAULT vtoktemporal_debug

namespace vtok {
namespace {

enum class Mode { kGroup, kIncremental };
constexpr Choice kModes[] = {
    {"group", "One buffer when the group closes, exact"},
    {"incremental", "What is new with each frame, and the exact tokens when the group closes"}};

struct TemporalSettings : Compression {
  int method = row_named(temporal_methods(), "scc");
  Mode mode = Mode::kGroup;
  double tokens_per_second = 0;
  bool operator==(const TemporalSettings &) const = default;

  template <class V>
  void each(V &&v) {
    v(method, "method", "How the tokens of one group are compressed",
      choices("GstVtokTemporalMethod", temporal_methods()));
    v(mode, "mode", "When tokens come out", choices("GstVtokTemporalMode", kModes));
    Compression::each(v, "group");
    v(tokens_per_second, "tokens-per-second",
      "Tokens a second of stream, held over a minute where there are as many; 0: no target", 0., 1e9,
      Access::kPlaying);
  }
};

class VtokTemporal : public Element<GstBaseTransform, TemporalSettings> {
  // From start to stop; the streaming thread's.
  StreamInfo in_, out_;
  TemporalSettings used_;  // the open group's; method and mode as they were at start
  std::unique_ptr<Temporal> method_;
  std::optional<OpenGroup> group_;
  uint64_t groups_opened_ = 0;
  bool start_pending_ = false;  // a group's first frame was dropped: the next one starts it

  GstVtokCounts unsent_{};    // frames and source tokens since the last buffer, in mode=incremental
  std::vector<Tokens> sent_;  // ahead of the open group's end, in mode=incremental
  Rate rate_;
  mutable std::mutex told_lock_;
  Drift drift_;                // of the closed groups; under told_lock_, like what follows
  double wanted_ = 0, held_ = 0;  // tokens a second, the latter over the last minute

  std::atomic<GstClockTime> latency_{0};  // the longest group so far; mode=group holds tokens back that long
  CompressorStats stats_;

 public:
  using Element::Element;
  static constexpr ElementInfo kInfo{"vtoktemporal", "GstVtokTemporal", "Temporal visual token compressor",
                                     "Filter/Analyzer/Tokens",
                                     "Keeps fewer visual tokens of each group of frames"};

  static void class_init(GstBaseTransformClass *klass) {
    GST_DEBUG_CATEGORY_INIT(vtoktemporal_debug, "vtoktemporal", 0, "Temporal visual token compressor");
    add_pad_template(klass, "sink", GST_PAD_SINK, kTokenCaps);
    add_pad_template(klass, "src", GST_PAD_SRC, kTokenCaps);
    klass->start = Hook<&VtokTemporal::start, FALSE>();
    klass->transform_caps = Hook<&VtokTemporal::transform_caps, nullptr>();
    klass->set_caps = Hook<&VtokTemporal::set_caps, FALSE>();
    klass->sink_event = Hook<&VtokTemporal::sink_event, FALSE>();
    klass->query = Hook<&VtokTemporal::query, FALSE>();
    klass->generate_output = Hook<&VtokTemporal::generate_output, GST_FLOW_ERROR>();
  }

  GstStructure *stats() const {
    GstStructure *s = stats_.structure("vtoktemporal");
    const std::lock_guard lock(told_lock_);
    gst_structure_set(s, "ahead-tokens", G_TYPE_UINT64, guint64(drift_.ahead), "exact-tokens", G_TYPE_UINT64,
                      guint64(drift_.exact), "ahead-distance-mean", G_TYPE_DOUBLE, drift_.mean(),
                      "ahead-distance-most", G_TYPE_DOUBLE, drift_.most, "tokens-per-second-wanted",
                      G_TYPE_DOUBLE, wanted_, "tokens-per-second", G_TYPE_DOUBLE, held_, nullptr);
    return s;
  }

 private:
  gboolean start() {
    stats_.reset();
    used_ = settings();
    method_ = nullptr;
    group_.reset();
    groups_opened_ = 0;
    start_pending_ = false;
    latency_ = 0;
    sent_.clear();
    unsent_ = {};
    rate_ = {};
    const std::lock_guard lock(told_lock_);
    drift_ = {};
    wanted_ = held_ = 0;
    return TRUE;
  }

  GstCaps *transform_caps(GstPadDirection from, GstCaps *caps, GstCaps *filter) {
    return filtered(from == GST_PAD_SINK ? caps_after(caps) : caps_before(caps), filter);
  }

  // A group is not bounded by a frame's bound, and has no rate.
  GstCaps *caps_after(GstCaps *caps) {
    const int own = int(settings().max_tokens);
    GstCaps *to = gst_caps_copy(caps);
    for (guint i = 0; i < gst_caps_get_size(to); ++i) {
      GstStructure *s = gst_caps_get_structure(to, i);
      gst_structure_set(s, "framerate", GST_TYPE_FRACTION, 0, 1, "extras", G_TYPE_STRING, "none", nullptr);
      gst_structure_remove_field(s, "max-tokens");
      if (own) gst_structure_set(s, "max-tokens", G_TYPE_INT, own, nullptr);
    }
    return to;
  }

  GstCaps *caps_before(GstCaps *caps) {
    GstCaps *to = gst_caps_copy(caps);
    for (guint i = 0; i < gst_caps_get_size(to); ++i)
      gst_structure_remove_fields(gst_caps_get_structure(to, i), "max-tokens", "framerate", "extras",
                                  nullptr);
    if (!temporal_methods()[settings().method].wants_sources) return to;
    GstCaps *first = gst_caps_copy(to);
    gst_caps_set_simple(first, "extras", G_TYPE_STRING, "sources", nullptr);
    gst_caps_append(first, to);
    return first;
  }

  gboolean set_caps(GstCaps *in, GstCaps *out) {
    in_ = StreamInfo(in);
    out_ = StreamInfo(out);
    return TRUE;
  }

  gboolean sink_event(GstEvent *event) {
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_CAPS: {
        GstCaps *caps, *now = gst_pad_get_current_caps(object()->sinkpad);
        gst_event_parse_caps(event, &caps);
        if (!now || !gst_caps_is_equal(now, caps)) drain();
        if (now) gst_caps_unref(now);
        break;
      }
      case GST_EVENT_SEGMENT:
      case GST_EVENT_EOS:
        drain();
        break;
      case GST_EVENT_FLUSH_STOP:
        forget();
        break;
      case GST_EVENT_GAP:
        if (group_) {
          GstClockTime from, duration;
          gst_event_parse_gap(event, &from, &duration);
          group_->lengthen(from, duration);
          if (used_.mode == Mode::kGroup) {  // what downstream hears of this span is the group's buffer
            gst_event_unref(event);
            return TRUE;
          }
        }
        break;
      default:
        break;
    }
    return parent()->sink_event(object(), event);
  }

  gboolean query(GstPadDirection direction, GstQuery *query) {
    if (!parent()->query(object(), direction, query)) return FALSE;
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC) {
      gboolean live;
      GstClockTime min, max;
      gst_query_parse_latency(query, &live, &min, &max);
      const GstClockTime own = latency_;
      gst_query_set_latency(query, live, min + own, GST_CLOCK_TIME_IS_VALID(max) ? max + own : max);
    }
    return TRUE;
  }

  GstFlowReturn generate_output(GstBuffer **out) {
    *out = nullptr;
    BufferPtr in(std::exchange(object()->queued_buf, nullptr));
    if (!in) return GST_FLOW_OK;
    ++stats_.frames_in;
    bool starts = start_pending_ || !group_ || !GST_BUFFER_FLAG_IS_SET(in.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    return guarded_buffer(
        object(),
        [&] {
          if (starts && group_) {
            const GstClockTime next = GST_BUFFER_PTS(in.get());
            const bool lost = GST_BUFFER_IS_DISCONT(in.get()) && next > group_->end;  // between the two
            const GstFlowReturn flow = close(lost ? GST_CLOCK_TIME_NONE : next);
            if (flow != GST_FLOW_OK) return flow;
          }
          start_pending_ = starts;
          const GstFlowReturn flow = add(in.get());
          start_pending_ = false;
          return flow;
        },
        [&] { ++stats_.dropped; });
  }

  // Puts one frame into the group, opening it where there is none.
  GstFlowReturn add(GstBuffer *in) {
    TokenBuffer frame = read_tokens(in, in_);
    OpenGroup group = group_ ? *group_ : OpenGroup(in, *in_);
    if (!group_) make_method();
    group.add(in, frame.counts);
    const int64_t offset = group.offset(in);
    TemporalInput input{frame.tokens, frame.sources, int64_t(frame.counts.source_tokens)};
    shift(input.tokens.records, offset);
    if (input.sources) shift(input.sources->records, offset);
    Tokens fresh;
    limit(group);
    {
      Stopwatch watch(stats_.ns);
      fresh = method_->add(input);  // throws before the group is changed
    }
    const bool opened = !group_;
    if (opened) {
      ++stats_.groups;
      group.number = groups_opened_++;
    }
    group_ = group;
    stats_.tokens_in += frame.tokens.n;
    GST_LOG_OBJECT(object(), "group %" G_GUINT64_FORMAT ": %d tokens, %d of them new", group.number,
                   frame.tokens.n, fresh.n);
    if (used_.mode == Mode::kGroup) return GST_FLOW_OK;
    return push_fresh(std::move(fresh), in, frame.counts, opened, offset);
  }

  GstFlowReturn push_fresh(Tokens fresh, GstBuffer *in, GstVtokCounts counts, bool opened, int64_t offset) {
    unsent_.frames += counts.frames;
    unsent_.source_tokens += counts.source_tokens;
    if (!fresh.n) {
      if (GST_BUFFER_PTS_IS_VALID(in))
        gst_pad_push_event(object()->srcpad, gst_event_new_gap(GST_BUFFER_PTS(in), GST_BUFFER_DURATION(in)));
      return GST_FLOW_OK;
    }
    sent_.push_back(fresh);  // the numbers are shared
    shift(fresh.records, -offset);
    counts.group = group_->number;
    counts.replaces = FALSE;
    counts.frames = unsent_.frames;
    counts.source_tokens = unsent_.source_tokens;
    unsent_ = {};
    BufferPtr out = write_tokens(fresh, counts, in);
    if (opened)
      GST_BUFFER_FLAG_UNSET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    else
      GST_BUFFER_FLAG_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    return push(std::move(out), fresh.n);
  }

  // Pushes the group's tokens; its span ends at `next`, where that is known.
  GstFlowReturn close(GstClockTime next) {
    OpenGroup group = *group_;
    group_.reset();
    const std::vector<Tokens> sent = std::exchange(sent_, {});
    unsent_ = {};
    group.end_at(next);
    limit(group);
    Tokens tokens;
    {
      Stopwatch watch(stats_.ns);
      tokens = method_->close();
    }
    raise_latency(group.duration());
    count_rate(group, tokens.n);
    if (!tokens.n) return GST_FLOW_OK;
    check_bound(tokens, out_, temporal_methods()[used_.method].name);
    const bool incremental = used_.mode == Mode::kIncremental;
    if (incremental) count_drift(tokens, sent);
    BufferPtr out = write_tokens(tokens, group.counts(incremental), group.like.get());
    GST_BUFFER_PTS(out.get()) = group.pts;
    GST_BUFFER_DURATION(out.get()) = group.duration();
    if (incremental)
      GST_BUFFER_FLAG_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    else
      GST_BUFFER_FLAG_UNSET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    return push(std::move(out), tokens.n);
  }

  static int64_t span(const OpenGroup &group) {
    return GST_CLOCK_TIME_IS_VALID(group.pts) ? int64_t(group.duration()) : 0;
  }

  // Under rate control a group may have what the time since its start allows, which grows with each frame.
  void limit(const OpenGroup &group) {
    if (rate_.per_second() != used_.tokens_per_second) rate_.set(used_.tokens_per_second);
    if (rate_.per_second() == 0) return;
    Budget budget = used_.compressor(out_->max_tokens).budget;
    budget.tokens = rate_.budget(span(group));
    method_->set_budget(budget);
  }

  void count_rate(const OpenGroup &group, int tokens) {
    rate_.spend(span(group), tokens);
    const std::lock_guard lock(told_lock_);
    wanted_ = rate_.per_second();
    held_ = rate_.held();
  }

  void count_drift(const Tokens &exact, const std::vector<Tokens> &sent) {
    Drift drift = drift_;  // nobody else writes it
    drift.add(exact, sent);
    const std::lock_guard lock(told_lock_);
    drift_ = drift;
  }

  GstFlowReturn push(BufferPtr out, int tokens) {
    ++stats_.frames_out;
    stats_.tokens_out += tokens;
    return gst_pad_push(object()->srcpad, out.release());
  }

  void drain() {
    if (group_)
      guarded_buffer(
          object(), [&] { return close(GST_CLOCK_TIME_NONE); }, [&] { ++stats_.dropped; });
    start_pending_ = false;
  }

  void forget() {
    group_.reset();
    sent_.clear();
    unsent_ = {};
    start_pending_ = false;
    if (method_) method_->reset();
  }

  void make_method() {
    TemporalSettings now = settings();
    now.method = used_.method;
    now.mode = used_.mode;
    if (method_ && now == used_) return method_->reset();
    CompressorSettings compressor = now.compressor(out_->max_tokens);
    compressor.incremental = now.mode == Mode::kIncremental;
    method_ = temporal_methods()[now.method].make(compressor);
    used_ = now;
  }

  void raise_latency(GstClockTime length) {
    if (used_.mode == Mode::kIncremental || !GST_CLOCK_TIME_IS_VALID(length) || length <= latency_) return;
    latency_ = length;
    gst_element_post_message(element(), gst_message_new_latency(GST_OBJECT(object())));
  }

  static GstBaseTransformClass *parent() {
    return GST_BASE_TRANSFORM_CLASS(Holder<VtokTemporal>::parent_class);
  }
};

}  // namespace

bool register_vtoktemporal(GstPlugin *plugin) { return register_element<VtokTemporal>(plugin); }

}  // namespace vtok
