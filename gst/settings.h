// Properties out of a plain struct: each setting is said once, in Settings::each, and visitors do the rest.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace vtok {

/// When a property may be set. kReady: read once per start. kPlaying: read once per buffer. kWriteOnly: never
/// given back.
enum class Access { kReady, kPlaying, kWriteOnly };

/// One value of an enum property that has no table of its own.
struct Choice {
  const char *name, *help;
};

/// An enum property's type; its values are the indices of the rows it was built from.
struct Choices {
  GType type;
};

/// The GEnum of that name, registered at the first call; names and helps must live as long as the process.
GType choice_type(const char *type_name, std::span<const Choice> rows);

/// The GEnum whose values are a table's rows (anything with .name and .help).
template <class Rows>
Choices choices(const char *type_name, const Rows &rows) {
  if (GType known = g_type_from_name(type_name)) return {known};
  Choice buffer[64];
  size_t n = 0;
  for (const auto &row : rows) {
    if (n == std::size(buffer)) throw std::length_error(std::string(type_name) + " has more than 64 rows");
    buffer[n++] = {row.name, row.help};
  }
  return {choice_type(type_name, {buffer, n})};
}

/// The index of the row of that name: what a Settings field built by choices() is initialised with.
template <class Rows>
int row_named(const Rows &rows, std::string_view name) {
  int i = 0;
  for (const auto &row : rows) {
    if (row.name == name) return i;
    ++i;
  }
  throw std::invalid_argument("no row is named '" + std::string(name) + "'");
}

/// A property whose being set is remembered: unset means "as the model says", and `value` is only what is shown.
template <class T> struct Given {
  T value;
  bool set = false;
  std::optional<T> get() const { return set ? std::optional<T>(value) : std::nullopt; }
};

/// The visitor that installs GObject properties, in order, from 1; a field's default is its initialiser.
/// Fields: bool, int, unsigned, uint64_t, double, float, std::string, Given<one of these>; int or
/// an enum beside choices().
class InstallProperties {
  GObjectClass *klass_;
  guint id_ = 0;

  static GParamFlags flags(Access access) {
    constexpr int kStatic = G_PARAM_STATIC_NAME | G_PARAM_STATIC_NICK;
    switch (access) {
      case Access::kPlaying:
        return GParamFlags(kStatic | G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING);
      case Access::kWriteOnly:
        return GParamFlags(kStatic | G_PARAM_WRITABLE | GST_PARAM_MUTABLE_READY);
      case Access::kReady:
        break;
    }
    return GParamFlags(kStatic | G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY);
  }
  void install(GParamSpec *spec) { g_object_class_install_property(klass_, ++id_, spec); }

 public:
  explicit InstallProperties(gpointer klass) : klass_(G_OBJECT_CLASS(klass)) {}
  guint installed() const { return id_; }

  void operator()(bool &v, const char *name, const std::string &help, Access access = Access::kReady) {
    install(g_param_spec_boolean(name, name, help.c_str(), v, flags(access)));
  }
  void operator()(int &v, const char *name, const std::string &help, int low, int high,
                  Access access = Access::kReady) {
    install(g_param_spec_int(name, name, help.c_str(), low, high, v, flags(access)));
  }
  void operator()(unsigned &v, const char *name, const std::string &help, unsigned low, unsigned high,
                  Access access = Access::kReady) {
    install(g_param_spec_uint(name, name, help.c_str(), low, high, v, flags(access)));
  }
  void operator()(uint64_t &v, const char *name, const std::string &help, uint64_t low, uint64_t high,
                  Access access = Access::kReady) {
    install(g_param_spec_uint64(name, name, help.c_str(), low, high, v, flags(access)));
  }
  void operator()(double &v, const char *name, const std::string &help, double low, double high,
                  Access access = Access::kReady) {
    install(g_param_spec_double(name, name, help.c_str(), low, high, v, flags(access)));
  }
  void operator()(float &v, const char *name, const std::string &help, float low, float high,
                  Access access = Access::kReady) {
    install(g_param_spec_float(name, name, help.c_str(), low, high, v, flags(access)));
  }
  void operator()(std::string &v, const char *name, const std::string &help, Access access = Access::kReady) {
    install(g_param_spec_string(name, name, help.c_str(), v.c_str(), flags(access)));
  }
  template <class T, class... Rest> void operator()(Given<T> &v, Rest &&...rest) { (*this)(v.value, rest...); }
  template <class E>
  requires std::is_enum_v<E> || std::is_same_v<E, int>
  void operator()(E &v, const char *name, const std::string &help, Choices of,
                  Access access = Access::kReady) {
    install(g_param_spec_enum(name, name, help.c_str(), of.type, static_cast<int>(v), flags(access)));
  }
};

// GValue -> field. GObject has checked type and range by then.
inline void load(const GValue *g, bool &v) { v = g_value_get_boolean(g); }
inline void load(const GValue *g, unsigned &v) { v = g_value_get_uint(g); }
inline void load(const GValue *g, uint64_t &v) { v = g_value_get_uint64(g); }
inline void load(const GValue *g, double &v) { v = g_value_get_double(g); }
inline void load(const GValue *g, float &v) { v = g_value_get_float(g); }
inline void load(const GValue *g, std::string &v) { v = g_value_get_string(g) ? g_value_get_string(g) : ""; }
inline void load(const GValue *g, int &v) {
  v = G_VALUE_HOLDS_ENUM(g) ? g_value_get_enum(g) : g_value_get_int(g);
}
template <class E>
requires std::is_enum_v<E>
void load(const GValue *g, E &v) { v = static_cast<E>(g_value_get_enum(g)); }

template <class T> void load(const GValue *g, Given<T> &v) {
  load(g, v.value);
  v.set = true;
}

// field -> GValue
inline void store(GValue *g, bool v) { g_value_set_boolean(g, v); }
inline void store(GValue *g, unsigned v) { g_value_set_uint(g, v); }
inline void store(GValue *g, uint64_t v) { g_value_set_uint64(g, v); }
inline void store(GValue *g, double v) { g_value_set_double(g, v); }
inline void store(GValue *g, float v) { g_value_set_float(g, v); }
inline void store(GValue *g, const std::string &v) { g_value_set_string(g, v.c_str()); }
inline void store(GValue *g, int v) {
  G_VALUE_HOLDS_ENUM(g) ? g_value_set_enum(g, v) : g_value_set_int(g, v);
}
template <class E>
requires std::is_enum_v<E>
void store(GValue *g, E v) { g_value_set_enum(g, static_cast<int>(v)); }

template <class T> void store(GValue *g, const Given<T> &v) { store(g, v.value); }

}  // namespace vtok
