// Makes a GStreamer element out of a C++ class that lives inside the GObject.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A class T : Element<GstBaseTransform, TSettings> (or GstElement, GstBaseSink, GstBin) has
//   static constexpr ElementInfo kInfo;          names and descriptions
//   static void class_init(GstBaseTransformClass *);   adds pad templates, sets virtual functions, most by
//   Hook explicit T(GstBaseTransform *);              adds pads where the parent does not (inherit Element's
//   constructor) GstStructure *stats() const;                 if it has the property `stats`; called from any
//   thread, no lock held
//   unsigned current_port() const;               the same for the property `current-port`
// and TSettings has `template <class V> void each(V &&v)`: one call of v per property, in gst-inspect's
// order.
#pragma once
#include <gst/base/gstbasesink.h>
#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

#include <algorithm>
#include <new>
#include <string>

#include "gst/guarded.h"
#include "gst/settings.h"

namespace vtok {

struct ElementInfo {
  const char *name;       // "vtokspatial"
  const char *type_name;  // "GstVtokSpatial"
  const char *long_name, *klass, *description;
};

template <class T>
struct Holder;

template <class Parent, class TSettings>
class Element {
 public:
  using ParentInstance = Parent;
  using Settings = TSettings;

  explicit Element(Parent *object) : object_(object) {}
  Element(const Element &) = delete;

  /// A copy, taken under the object lock: once per start or once per buffer.
  Settings settings() const {
    GST_OBJECT_LOCK(object_);
    Settings copy = settings_;
    GST_OBJECT_UNLOCK(object_);
    return copy;
  }

 protected:
  Parent *object() const { return object_; }
  GstElement *element() const { return GST_ELEMENT_CAST(object_); }

 private:
  template <class T>
  friend struct Holder;
  Parent *const object_;
  Settings settings_;  // under the object lock
};

template <class Parent>
struct ParentType;
template <>
struct ParentType<GstElement> {
  using Class = GstElementClass;
  static GType get() { return GST_TYPE_ELEMENT; }
};
template <>
struct ParentType<GstBaseTransform> {
  using Class = GstBaseTransformClass;
  static GType get() { return GST_TYPE_BASE_TRANSFORM; }
};
template <>
struct ParentType<GstBaseSink> {
  using Class = GstBaseSinkClass;
  static GType get() { return GST_TYPE_BASE_SINK; }
};
template <>
struct ParentType<GstBin> {
  using Class = GstBinClass;
  static GType get() { return GST_TYPE_BIN; }
};

/// The GObject that holds a T: built in instance_init, destroyed in finalize.
template <class T>
struct Holder {
  using Parent = typename T::ParentInstance;
  using Class = typename ParentType<Parent>::Class;
  struct Instance {
    Parent parent;
    T self;
  };
  static_assert(alignof(T) <= 16, "GObject gives 16-byte aligned memory");
  static inline GObjectClass *parent_class = nullptr;
  static inline guint stats_id = 0, port_id = 0;

  static T &self(gpointer object) { return static_cast<Instance *>(object)->self; }

  template <class F>
  static void with_field(gpointer object, guint wanted, F &&f) {
    guint id = 0;
    GST_OBJECT_LOCK(object);
    self(object).settings_.each([&](auto &field, auto &&...) {
      if (++id == wanted) f(field);
    });
    GST_OBJECT_UNLOCK(object);
  }
  static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *) {
    with_field(object, id, [value](auto &field) { load(value, field); });
  }
  static void get_property(GObject *object, guint id, GValue *value, GParamSpec *) {
    if constexpr (requires(const T &t) { t.stats(); }) {
      if (id == stats_id) {
        g_value_take_boxed(value, self(object).stats());
        return;
      }
    }
    if constexpr (requires(const T &t) { t.current_port(); }) {
      if (id == port_id) {
        g_value_set_uint(value, self(object).current_port());
        return;
      }
    }
    with_field(object, id, [value](auto &field) { store(value, field); });
  }
  static void class_init(gpointer klass, gpointer) {
    auto *object_class = G_OBJECT_CLASS(klass);
    parent_class = G_OBJECT_CLASS(g_type_class_peek_parent(klass));
    object_class->set_property = set_property;
    object_class->get_property = get_property;
    object_class->finalize = [](GObject *object) {
      self(object).~T();
      parent_class->finalize(object);
    };
    InstallProperties install(klass);
    typename T::Settings().each(install);
    if constexpr (requires(const T &t) { t.stats(); }) {
      stats_id = install.installed() + 1;
      g_object_class_install_property(
          object_class, stats_id,
          g_param_spec_boxed("stats", "stats",
                             "Counts since start: frames and tokens in and out, drops by reason",
                             GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    }
    if constexpr (requires(const T &t) { t.current_port(); }) {
      port_id = std::max(stats_id, install.installed()) + 1;
      g_object_class_install_property(
          object_class, port_id,
          g_param_spec_uint("current-port", "current-port", "The port that listen= listens on now; 0: none",
                            0, 65535, 0, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
    }
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), T::kInfo.long_name, T::kInfo.klass,
                                          T::kInfo.description, "gst-vtok");
    T::class_init(static_cast<Class *>(klass));
  }
  static void init(GTypeInstance *object, gpointer) {
    new (&self(object)) T(reinterpret_cast<Parent *>(object));
  }
};

template <class T>
bool register_element(GstPlugin *plugin) {
  using Held = Holder<T>;
  const GType type = g_type_register_static_simple(
      ParentType<typename Held::Parent>::get(), T::kInfo.type_name, sizeof(typename Held::Class),
      Held::class_init, sizeof(typename Held::Instance), Held::init, GTypeFlags(0));
  return gst_element_register(plugin, T::kInfo.name, GST_RANK_NONE, type);
}

/// The T inside a GObject that register_element<T> made.
template <class T>
T &self(gpointer object) {
  return Holder<T>::self(object);
}

template <auto Method>
struct MethodOf;
template <class T, class R, class... A, R (T::*Method)(A...)>
struct MethodOf<Method> {
  using Class = T;
};

/// A virtual function of a GObject class that calls a T's method; what it throws goes to the bus, then
/// `Failed` is returned: `klass->start = Hook<&T::start, FALSE>();`
template <auto Method, auto Failed>
struct Hook {
  template <class R, class Object, class... A>
  using Function = R (*)(Object *, A...);
  template <class R, class Object, class... A>
  operator Function<R, Object, A...>() const {
    return [](Object *object, A... arguments) -> R {
      return guarded(object, R(Failed), [&]() -> R {
        return (self<typename MethodOf<Method>::Class>(object).*Method)(arguments...);
      });
    };
  }
};

/// Adds an always-pad template.
void add_pad_template(gpointer klass, const char *name, GstPadDirection direction, const char *caps);

}  // namespace vtok
