// vtokconvert: the same tokens in another number type or another memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-vtokconvert
 * @title: vtokconvert
 * @short_description: converts visual tokens between number types and memories
 *
 * Does for tokens what videoconvert does for pictures: where its neighbours' caps differ in `type` (float32,
 * float16, bfloat16, float8-e4m3, int8) or in the feature memory:CUDAMemory, it converts; where they do not,
 * buffers pass as they are. Of several types that downstream takes, it chooses the one that loses least, then
 * the memory the tokens are in. Records (the scales of int8 and float8-e4m3 are there), side inputs and metas
 * stay. A buffer that holds NaN, infinity or what float16 cannot hold is dropped with a warning.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vtokenc ! vtokconvert ! application/x-visual-tokens,type=int8
 * ! fakesink silent=false -v
 * ]|
 */
#include "gst/compressor.h"
#include "gst/conversion.h"
#include "gst/element.h"
#include "models/cuda_name.h"

GST_DEBUG_CATEGORY_STATIC(vtokconvert_debug);
#define GST_CAT_DEFAULT vtokconvert_debug

namespace vtok {
namespace {

constexpr char kCuda[] = "memory:CUDAMemory";

struct ConvertSettings {
  std::string device = "auto";

  template <class V>
  void each(V &&v) {
    v(device, "device", "The GPU that tokens go to where downstream wants CUDAMemory: auto, cuda, cuda:N");
  }
};

bool on_gpu(const GstCaps *caps, guint i = 0) {
  return gst_caps_features_contains(gst_caps_get_features(caps, i), kCuda);
}

Device &gpu(const std::string &name) {
  const int ordinal = name == "auto" ? 0 : cuda_ordinal(name);
  if (ordinal < 0)
    throw ElementError(settings_failure(),
                       "device '" + name + "' is no GPU; there are auto, cuda and cuda:N");
  if (Device *device = cuda_device(ordinal)) return *device;
  throw ElementError(settings_failure(), "there is no GPU " + std::to_string(ordinal) +
                                             " that tokens could be put on, as downstream wants");
}

class VtokConvert : public Element<GstBaseTransform, ConvertSettings> {
  std::unique_ptr<Conversion> conversion_;  // null: buffers pass
  bool start_pending_ = false;              // a group's first buffer was dropped: the next one starts it
  std::atomic<uint64_t> buffers_{0}, converted_{0}, bad_{0}, ns_{0};

 public:
  using Element::Element;
  static constexpr ElementInfo kInfo{"vtokconvert", "GstVtokConvert", "Visual token converter",
                                     "Filter/Converter",
                                     "Converts visual tokens between number types and memories"};

  static void class_init(GstBaseTransformClass *klass) {
    GST_DEBUG_CATEGORY_INIT(vtokconvert_debug, "vtokconvert", 0, "Visual token converter");
    add_pad_template(klass, "sink", GST_PAD_SINK, kTokenCaps);
    add_pad_template(klass, "src", GST_PAD_SRC, kTokenCaps);
    klass->passthrough_on_same_caps = TRUE;
    klass->start = Hook<&VtokConvert::start, FALSE>();
    klass->transform_caps = Hook<&VtokConvert::transform_caps, nullptr>();
    klass->fixate_caps = Hook<&VtokConvert::fixate_caps, nullptr>();
    klass->set_caps = Hook<&VtokConvert::set_caps, FALSE>();
    klass->generate_output = Hook<&VtokConvert::generate_output, GST_FLOW_ERROR>();
  }

  GstStructure *stats() const {
    return gst_structure_new("vtokconvert", "buffers", G_TYPE_UINT64, guint64(buffers_), "converted",
                             G_TYPE_UINT64, guint64(converted_), "dropped-bad-tokens", G_TYPE_UINT64,
                             guint64(bad_), "convert-ms", G_TYPE_DOUBLE, double(ns_) / 1e6, nullptr);
  }

 private:
  gboolean start() {
    for (auto *count : {&buffers_, &converted_, &bad_, &ns_}) *count = 0;
    start_pending_ = false;
    return TRUE;
  }

  // The caps themselves first, then every type in the same memory, then in the other one.
  GstCaps *transform_caps(GstPadDirection, GstCaps *caps, GstCaps *filter) {
    CapsPtr any_type(gst_caps_copy(caps)), elsewhere(gst_caps_copy(caps));
    for (GstCaps *to : {any_type.get(), elsewhere.get()})
      for (guint i = 0; i < gst_caps_get_size(to); ++i)
        gst_structure_remove_field(gst_caps_get_structure(to, i), "type");
    for (guint i = 0; i < gst_caps_get_size(caps); ++i)
      gst_caps_set_features(elsewhere.get(), i,
                            on_gpu(caps, i)
                                ? gst_caps_features_new(GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY, nullptr)
                                : gst_caps_features_new(kCuda, nullptr));
    GstCaps *to = gst_caps_copy(caps);
    gst_caps_append(to, any_type.release());
    gst_caps_append(to, elsewhere.release());
    return filtered(to, filter);
  }

  // Least loss first, then least copying.
  GstCaps *fixate_caps(GstPadDirection, GstCaps *caps, GstCaps *to) {
    CapsPtr others(to);
    Type from;
    if (const char *name = gst_structure_get_string(gst_caps_get_structure(caps, 0), "type");
        name && parse_type(name, from)) {
      for (const Type type : by_loss(from))
        for (const bool moves : {false, true})
          for (guint i = 0; i < gst_caps_get_size(to); ++i) {
            if ((on_gpu(to, i) != on_gpu(caps)) != moves) continue;
            CapsPtr one(gst_caps_copy_nth(to, i)), typed(gst_caps_copy(one.get()));
            gst_caps_set_simple(typed.get(), "type", G_TYPE_STRING, type_name(type), nullptr);
            if (gst_caps_can_intersect(one.get(), typed.get())) return gst_caps_fixate(typed.release());
          }
    }
    return gst_caps_fixate(others.release());
  }

  gboolean set_caps(GstCaps *in, GstCaps *out) {
    conversion_ = nullptr;
    const StreamInfo from(in), to(out);
    if (gst_caps_is_equal(in, out)) return TRUE;
    const Place place = on_gpu(in) == on_gpu(out) ? Place::kWhereItIs
                        : on_gpu(out)             ? Place::kDevice
                                                  : Place::kHost;
    conversion_ = std::make_unique<Conversion>(from, type_of(to->type), place,
                                               place == Place::kDevice ? &gpu(settings().device) : nullptr);
    GST_INFO_OBJECT(object(), "%" GST_PTR_FORMAT " becomes %" GST_PTR_FORMAT, in, out);
    return TRUE;
  }

  GstFlowReturn generate_output(GstBuffer **out) {
    BufferPtr in(std::exchange(object()->queued_buf, nullptr));
    *out = nullptr;
    if (!in) return GST_FLOW_OK;
    ++buffers_;
    if (!conversion_) {
      *out = in.release();
      return GST_FLOW_OK;
    }
    const bool starts = start_pending_ || !GST_BUFFER_FLAG_IS_SET(in.get(), GST_BUFFER_FLAG_DELTA_UNIT);
    return guarded_buffer(
        object(),
        [&] {
          Stopwatch watch(ns_);
          BufferPtr made = conversion_->convert(std::move(in));
          if (start_pending_) {
            made.reset(gst_buffer_make_writable(made.release()));
            GST_BUFFER_FLAG_UNSET(made.get(), GST_BUFFER_FLAG_DELTA_UNIT);
          }
          start_pending_ = false;
          ++converted_;
          *out = made.release();
          return GST_FLOW_OK;
        },
        [&] {
          ++bad_;
          start_pending_ = starts;
        });
  }
};

}  // namespace

bool register_vtokconvert(GstPlugin *plugin) { return register_element<VtokConvert>(plugin); }

}  // namespace vtok
