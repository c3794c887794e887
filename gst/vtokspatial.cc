// vtokspatial: fewer tokens per frame, by a method of models/spatial.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-vtokspatial
 * @title: vtokspatial
 * @short_description: compresses the visual tokens of each frame
 *
 * Takes one buffer of tokens per frame and hands on fewer, with the records (time, place, weight) of those it
 * keeps. Where downstream asks for them (`extras=sources` in its caps, as vtoktemporal does), the tokens that
 * came in travel beside those that go out. A buffer that holds NaN or infinity, or does not fit its caps, is
 * dropped with a warning.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vtokkeyframe ! vtokenc ! vtokspatial tau=0.9 ! fakesink
 * silent=false -v
 * ]|
 */
#include "gst/compressor.h"
#include "gst/element.h"

GST_DEBUG_CATEGORY_STATIC(vtokspatial_debug);
#define GST_CAT_DEFAULT vtokspatial_debug

namespace vtok {
namespace {

struct SpatialSettings : Compression {
  int method = row_named(spatial_methods(), "scc");
  bool operator==(const SpatialSettings &) const = default;

  template <class V>
  void each(V &&v) {
    v(method, "method", "How the tokens of one frame are compressed",
      choices("GstVtokSpatialMethod", spatial_methods()));
    Compression::each(v, "frame");
  }
};

class VtokSpatial : public Element<GstBaseTransform, SpatialSettings> {
  // From start to stop; the streaming thread's.
  StreamInfo in_, out_;
  bool pass_sources_ = false;
  std::unique_ptr<Spatial> method_;
  SpatialSettings made_for_;    // the settings method_ was made with
  bool start_pending_ = false;  // a group's first frame was dropped: the next one starts it

  CompressorStats stats_;

 public:
  using Element::Element;
  static constexpr ElementInfo kInfo{"vtokspatial", "GstVtokSpatial", "Spatial visual token compressor",
                                     "Filter/Analyzer/Tokens", "Keeps fewer visual tokens of each frame"};

  static void class_init(GstBaseTransformClass *klass) {
    GST_DEBUG_CATEGORY_INIT(vtokspatial_debug, "vtokspatial", 0, "Spatial visual token compressor");
    add_pad_template(klass, "sink", GST_PAD_SINK, kTokenCaps);
    add_pad_template(klass, "src", GST_PAD_SRC, kTokenCaps);
    klass->start = Hook<&VtokSpatial::start, FALSE>();
    klass->transform_caps = Hook<&VtokSpatial::transform_caps, nullptr>();
    klass->fixate_caps = Hook<&VtokSpatial::fixate_caps, nullptr>();
    klass->set_caps = Hook<&VtokSpatial::set_caps, FALSE>();
    klass->sink_event = Hook<&VtokSpatial::sink_event, FALSE>();
    klass->generate_output = Hook<&VtokSpatial::generate_output, GST_FLOW_ERROR>();
  }

  GstStructure *stats() const { return stats_.structure("vtokspatial"); }

 private:
  gboolean start() {
    stats_.reset();
    method_ = nullptr;
    start_pending_ = false;
    return TRUE;
  }

  // Everything is kept but max-tokens, which may get smaller, and extras.
  GstCaps *transform_caps(GstPadDirection from, GstCaps *caps, GstCaps *filter) {
    return filtered(from == GST_PAD_SINK ? caps_after(caps) : caps_before(caps), filter);
  }

  GstCaps *caps_after(GstCaps *caps) {
    const int own = int(settings().max_tokens);
    GstCaps *to = gst_caps_copy(caps);
    for (guint i = 0; i < gst_caps_get_size(to); ++i) {
      GstStructure *s = gst_caps_get_structure(to, i);
      int bound = 0;
      gst_structure_get_int(s, "max-tokens", &bound);
      bound = Compression::smaller_bound(bound, own);
      if (bound > 1)
        gst_structure_set(s, "max-tokens", GST_TYPE_INT_RANGE, 1, bound, nullptr);
      else if (bound == 1)
        gst_structure_set(s, "max-tokens", G_TYPE_INT, 1, nullptr);
      set_extras(s);
    }
    return to;
  }

  static void set_extras(GstStructure *s) {
    GValue list = G_VALUE_INIT, name = G_VALUE_INIT;
    g_value_init(&list, GST_TYPE_LIST);
    g_value_init(&name, G_TYPE_STRING);
    for (const char *extra : {"none", "sources"}) {
      g_value_set_static_string(&name, extra);
      gst_value_list_append_value(&list, &name);
    }
    g_value_unset(&name);
    gst_structure_take_value(s, "extras", &list);
  }

  // Where downstream asks for sources, an earlier vtokspatial had better pass the encoder's on than we its
  // output.
  static GstCaps *caps_before(GstCaps *caps) {
    GstCaps *to = gst_caps_copy(caps);
    for (guint i = 0; i < gst_caps_get_size(to); ++i)
      gst_structure_remove_fields(gst_caps_get_structure(to, i), "max-tokens", "extras", nullptr);
    if (!caps_naming(caps, "sources")) return to;
    GstCaps *first = gst_caps_copy(to);
    gst_caps_set_simple(first, "extras", G_TYPE_STRING, "sources", nullptr);
    gst_caps_append(first, to);
    return first;
  }

  GstCaps *fixate_caps(GstPadDirection from, GstCaps *caps, GstCaps *to) {
    if (from == GST_PAD_SRC) return gst_caps_fixate(to);
    GstCaps *peer = gst_pad_peer_query_caps(object()->srcpad, nullptr);
    const auto named = caps_naming(to, "sources");
    const bool wanted = named && caps_naming(peer, "sources");
    gst_caps_unref(peer);
    GstCaps *one = gst_caps_copy_nth(to, wanted ? *named : 0);
    gst_caps_unref(to);
    to = one;
    GstStructure *s = gst_caps_get_structure(to, 0);
    gst_structure_fixate_field_string(s, "extras", wanted ? "sources" : "none");
    if (gst_structure_has_field(s, "max-tokens"))
      gst_structure_fixate_field_nearest_int(s, "max-tokens", G_MAXINT32);
    GST_DEBUG_OBJECT(object(), "%" GST_PTR_FORMAT " becomes %" GST_PTR_FORMAT, caps, to);
    return gst_caps_fixate(to);
  }

  gboolean set_caps(GstCaps *in, GstCaps *out) {
    in_ = StreamInfo(in);
    out_ = StreamInfo(out);
    pass_sources_ = out_.has_extra("sources");
    method_ = nullptr;
    return TRUE;
  }

  gboolean sink_event(GstEvent *event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) start_pending_ = false;
    return GST_BASE_TRANSFORM_CLASS(Holder<VtokSpatial>::parent_class)->sink_event(object(), event);
  }

  GstFlowReturn generate_output(GstBuffer **out) {
    *out = nullptr;
    BufferPtr in(std::exchange(object()->queued_buf, nullptr));
    if (!in) return GST_FLOW_OK;
    ++stats_.frames_in;
    const bool starts = start_pending_ || !GST_BUFFER_FLAG_IS_SET(in.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    return guarded_buffer(
        object(),
        [&] {
          BufferPtr made = compress(in.get());
          if (starts) GST_BUFFER_FLAG_UNSET(made.get(), GST_BUFFER_FLAG_DELTA_UNIT);
          stats_.groups += starts;
          start_pending_ = false;
          *out = made.release();
          return GST_FLOW_OK;
        },
        [&] {
          ++stats_.dropped;
          start_pending_ = starts;
        });
  }

  BufferPtr compress(GstBuffer *in) {
    const SpatialSettings now = settings();
    if (!method_ || now != made_for_) {
      method_ = spatial_methods()[now.method].make(now.compressor(out_->max_tokens));
      made_for_ = now;
    }
    TokenBuffer frame = read_tokens(in, in_);
    Tokens fewer;
    {
      Stopwatch watch(stats_.ns);
      fewer = method_->compress(frame.tokens, int64_t(frame.counts.source_tokens));
    }
    check_bound(fewer, out_, spatial_methods()[now.method].name);
    GST_LOG_OBJECT(object(), "%d of %d tokens", fewer.n, frame.tokens.n);
    stats_.tokens_in += frame.tokens.n;
    stats_.tokens_out += fewer.n;
    ++stats_.frames_out;
    const Tokens &sources = frame.sources ? *frame.sources : frame.tokens;
    return write_tokens(fewer, frame.counts, in, pass_sources_ ? &sources : nullptr);
  }
};

}  // namespace

bool register_vtokspatial(GstPlugin *plugin) { return register_element<VtokSpatial>(plugin); }

}  // namespace vtok
