// vtokbin: video in, answers out: the whole chain in one element.
// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-vtokbin
 * @title: vtokbin
 * @short_description: answers questions about a video
 *
 * Holds #vtokkeyframe, #vtokenc, #vtokspatial, #vtoktemporal and #vtokllm, in this order, under the names
 * `keyframe`, `enc`, `spatial`, `temporal` and `llm`. Answers come as `vtok-answer` messages and by the
 * signals of #vtokllm; once the pad `src` is requested, by linking it, as text too.
 *
 * It has every property that only one of the five has, and `model`, `device` and `dtype`, which it sets on
 * each that has them. The others are reached through the child: `vtokbin spatial::tau=0.8`.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m videotestsrc num-buffers=30 ! vtokbin question="What is moving?" spatial::tau=0.8
 * ]|
 */
#include <array>
#include <map>
#include <vector>

#include "gst/asking.h"

namespace vtok {
namespace {

struct Stage {
  const char *name, *element, *type;
};
constexpr Stage kStages[] = {{"keyframe", "vtokkeyframe", "GstVtokKeyframe"},
                             {"enc", "vtokenc", "GstVtokEnc"},
                             {"spatial", "vtokspatial", "GstVtokSpatial"},
                             {"temporal", "vtoktemporal", "GstVtokTemporal"},
                             {"llm", "vtokllm", "GstVtokLlm"}};
constexpr size_t kLlm = std::size(kStages) - 1;

struct NoSettings {
  template <class V>
  void each(V &&) {}
};

/// A property of our own like one of a child's.
GParamSpec *like(GParamSpec *spec) {
  const char *name = spec->name, *help = g_param_spec_get_blurb(spec);
  const auto flags = GParamFlags((spec->flags & ~G_PARAM_CONSTRUCT) | G_PARAM_STATIC_NAME |
                                 G_PARAM_STATIC_NICK | G_PARAM_STATIC_BLURB);  // the child's class keeps them
  if (auto *s = G_IS_PARAM_SPEC_BOOLEAN(spec) ? G_PARAM_SPEC_BOOLEAN(spec) : nullptr)
    return g_param_spec_boolean(name, name, help, s->default_value, flags);
  if (auto *s = G_IS_PARAM_SPEC_INT(spec) ? G_PARAM_SPEC_INT(spec) : nullptr)
    return g_param_spec_int(name, name, help, s->minimum, s->maximum, s->default_value, flags);
  if (auto *s = G_IS_PARAM_SPEC_UINT(spec) ? G_PARAM_SPEC_UINT(spec) : nullptr)
    return g_param_spec_uint(name, name, help, s->minimum, s->maximum, s->default_value, flags);
  if (auto *s = G_IS_PARAM_SPEC_UINT64(spec) ? G_PARAM_SPEC_UINT64(spec) : nullptr)
    return g_param_spec_uint64(name, name, help, s->minimum, s->maximum, s->default_value, flags);
  if (auto *s = G_IS_PARAM_SPEC_DOUBLE(spec) ? G_PARAM_SPEC_DOUBLE(spec) : nullptr)
    return g_param_spec_double(name, name, help, s->minimum, s->maximum, s->default_value, flags);
  if (auto *s = G_IS_PARAM_SPEC_ENUM(spec) ? G_PARAM_SPEC_ENUM(spec) : nullptr)
    return g_param_spec_enum(name, name, help, spec->value_type, s->default_value, flags);
  if (auto *s = G_IS_PARAM_SPEC_STRING(spec) ? G_PARAM_SPEC_STRING(spec) : nullptr)
    return g_param_spec_string(name, name, help, s->default_value, flags);
  return nullptr;  // statistics
}

class VtokBin : public Element<GstBin, NoSettings> {
  struct Proxied {
    std::string name;
    std::vector<size_t> stages;  // whose property it is
  };
  static inline std::vector<Proxied> proxied_;  // by property id - 1
  static inline guint stats_id_ = 0;

  std::array<GstElement *, std::size(kStages)> children_{};  // the bin's
  GstElement *nowhere_ = nullptr;                            // takes the text while nobody else does

  static void install_properties(GObjectClass *klass);
  void drain_text();

 public:
  static constexpr ElementInfo kInfo{"vtokbin", "GstVtokBin", "Visual token pipeline", "Filter/Bin/LLM",
                                     "Answers questions about a video: the whole chain in one element"};
  static void class_init(GstBinClass *klass);
  explicit VtokBin(GstBin *object);

  /// What the signals `ask` and `cancel` call.
  struct Asked {
    GstElement *llm;
    guint64 ask(const gchar *text) const {
      guint64 id = 0;
      g_signal_emit_by_name(llm, "ask", text, &id);
      return id;
    }
    gboolean cancel(guint64 id) const {
      gboolean was = FALSE;
      g_signal_emit_by_name(llm, "cancel", id, &was);
      return was;
    }
  };
  Asked asking() const { return {children_[kLlm]}; }

 private:
  GstPad *request_pad(GstPadTemplate *of, const gchar *name);
  void release_pad(GstPad *pad);
  void set_property(guint id, const GValue *value);
  void get_property(guint id, GValue *value);
};

void VtokBin::install_properties(GObjectClass *klass) {
  std::map<std::string, GParamSpec *> specs;
  std::map<std::string, std::vector<size_t>> stages;
  std::vector<std::string> order;
  for (size_t stage = 0; stage < std::size(kStages); ++stage) {
    // The plugin may still be loading: it has registered these types, but no element can be made by name.
    const GType type = g_type_from_name(kStages[stage].type);
    auto *child = static_cast<GObjectClass *>(g_type_class_ref(type));
    guint n = 0;
    GParamSpec **all = g_object_class_list_properties(child, &n);
    for (guint i = 0; i < n; ++i) {
      const std::string name = all[i]->name;
      if (all[i]->owner_type != type) continue;  // every element's
      if (stages[name].empty()) order.push_back(name);
      stages[name].push_back(stage);
      specs[name] = all[i];
    }
    g_free(all);
    g_type_class_unref(child);
  }
  for (const std::string &name : order) {
    const bool shared = name == "model" || name == "device" || name == "dtype";
    GParamSpec *spec = shared || stages[name].size() == 1 ? like(specs[name]) : nullptr;
    if (!spec) continue;
    proxied_.push_back({name, stages[name]});
    g_object_class_install_property(klass, guint(proxied_.size()), spec);
  }
  stats_id_ = guint(proxied_.size()) + 1;
  g_object_class_install_property(
      klass, stats_id_,
      g_param_spec_boxed("stats", "stats", "The stats of keyframe, enc, spatial, temporal and llm",
                         GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

void VtokBin::class_init(GstBinClass *klass) {
  auto *element_class = GST_ELEMENT_CLASS(klass);
  add_pad_template(klass, "sink", GST_PAD_SINK, "video/x-raw");
  GstCaps *text = gst_caps_from_string("text/x-raw, format=(string)utf8");
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_REQUEST, text));
  gst_caps_unref(text);
  element_class->request_new_pad = [](GstElement *object, GstPadTemplate *of, const gchar *name,
                                      const GstCaps *) {
    return self<VtokBin>(object).request_pad(of, name);
  };
  element_class->release_pad = [](GstElement *object, GstPad *pad) {
    self<VtokBin>(object).release_pad(pad);
  };
  auto *object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = [](GObject *object, guint id, const GValue *value, GParamSpec *) {
    self<VtokBin>(object).set_property(id, value);
  };
  object_class->get_property = [](GObject *object, guint id, GValue *value, GParamSpec *) {
    self<VtokBin>(object).get_property(id, value);
  };
  install_properties(object_class);
  install_ask_signals<VtokBin>(klass);
}

VtokBin::VtokBin(GstBin *object) : Element(object) {
  for (size_t i = 0; i < children_.size(); ++i) {
    children_[i] = gst_element_factory_make(kStages[i].element, kStages[i].name);
    gst_bin_add(object, children_[i]);
    if (i) gst_element_link(children_[i - 1], children_[i]);
  }
  GstPad *first = gst_element_get_static_pad(children_[0], "sink");
  gst_element_add_pad(element(), gst_ghost_pad_new_from_template("sink", first,
                                                                 gst_element_class_get_pad_template(
                                                                     GST_ELEMENT_GET_CLASS(object), "sink")));
  gst_object_unref(first);
  drain_text();
  for (const char *name : {"answer-delta", "answer"}) {
    using Told = void (*)(GstElement *, guint64, const gchar *, gpointer);
    const Told told = g_str_equal(name, "answer")
                          ? Told([](GstElement *, guint64 id, const gchar *text, gpointer bin) {
                              g_signal_emit_by_name(bin, "answer", id, text);
                            })
                          : Told([](GstElement *, guint64 id, const gchar *text, gpointer bin) {
                              g_signal_emit_by_name(bin, "answer-delta", id, text);
                            });
    g_signal_connect(children_[kLlm], name, G_CALLBACK(told), object);
  }
}

void VtokBin::drain_text() {
  nowhere_ = gst_element_factory_make("fakesink", "nowhere");
  // It prerolls as any sink does: where the last sink of a pipeline does not, EOS may be lost (a race of GstBin's, between the
  // message of PAUSED and the change to PLAYING).
  g_object_set(nowhere_, "sync", FALSE, "enable-last-sample", FALSE, nullptr);
  gst_bin_add(object(), nowhere_);
  gst_element_link(children_[kLlm], nowhere_);
  gst_element_sync_state_with_parent(nowhere_);
}

GstPad *VtokBin::request_pad(GstPadTemplate *of, const gchar *name) {
  if (!nowhere_) return nullptr;  // there is one such pad
  gst_element_set_state(nowhere_, GST_STATE_NULL);
  gst_bin_remove(object(), std::exchange(nowhere_, nullptr));
  GstPad *text = gst_element_get_static_pad(children_[kLlm], "src");
  GstPad *pad = gst_ghost_pad_new_from_template(name ? name : "src", text, of);
  gst_object_unref(text);
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element(), pad);
  return pad;
}

void VtokBin::release_pad(GstPad *pad) {
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element(), pad);
  if (GST_BIN_NUMCHILDREN(object())) drain_text();  // else this is the end of the bin
}

void VtokBin::set_property(guint id, const GValue *value) {
  const Proxied &property = proxied_[id - 1];
  for (const size_t stage : property.stages)
    g_object_set_property(G_OBJECT(children_[stage]), property.name.c_str(), value);
}

void VtokBin::get_property(guint id, GValue *value) {
  if (id != stats_id_) {
    const Proxied &property = proxied_[id - 1];
    return g_object_get_property(G_OBJECT(children_[property.stages[0]]), property.name.c_str(), value);
  }
  GstStructure *all = gst_structure_new_empty("vtokbin");
  for (size_t i = 0; i < children_.size(); ++i) {
    GValue one = G_VALUE_INIT;
    g_value_init(&one, GST_TYPE_STRUCTURE);
    g_object_get_property(G_OBJECT(children_[i]), "stats", &one);
    gst_structure_take_value(all, kStages[i].name, &one);
  }
  g_value_take_boxed(value, all);
}

}  // namespace

bool register_vtokbin(GstPlugin *plugin) { return register_element<VtokBin>(plugin); }

}  // namespace vtok
