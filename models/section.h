// An object of a checkpoint's JSON files, read setting by setting, each with its range.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/config.h"

namespace vtok {

/// An object of a checkpoint and the name errors give it, such as "<folder>/config.json: text_config".
class Section {
  using json = nlohmann::json;
  const json *object_;
  std::string name_;

 public:
  Section(const json &object, std::string name) : object_(&object), name_(std::move(name)) {
    if (!object.is_object())
      throw std::runtime_error(name_ + " is " + std::string(object.type_name()) + ", expected an object");
  }
  /// The setting's value; null where it is absent or null, which HF treats alike.
  const json &at(const char *key) const {
    static const json kNull;
    const auto found = object_->find(key);
    return found == object_->end() ? kNull : *found;
  }
  const std::string &name() const { return name_; }
  bool has(const char *key) const { return object_->contains(key); }
  Section section(const char *key) const {
    static const json kEmpty = json::object();
    return {at(key).is_null() ? kEmpty : at(key), name_ + "." + key};
  }
  [[noreturn]] void refuse(const char *key, const std::string &expected) const {
    throw std::runtime_error(name_ + "." + key + " is " + at(key).dump().substr(0, 100) + ", expected " +
                             expected);
  }
  int whole(const char *key, int fallback, int low, int high) const {
    const json &value = at(key);
    if (value.is_null()) return fallback;
    if (!value.is_number_integer() || value < low || value > high)
      refuse(key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return value.get<int>();
  }
  /// Of a square: one number, or two equal ones.
  int side(const char *key, int fallback, int low, int high) const {
    const json &value = at(key);
    if (!value.is_array()) return whole(key, fallback, low, high);
    if (value.size() != 2 || value[0] != value[1] || !value[0].is_number_integer() || value[0] < low ||
        value[0] > high)
      refuse(key, "two equal whole numbers from " + std::to_string(low) + " to " + std::to_string(high));
    return value[0].get<int>();
  }
  double number(const char *key, double fallback) const {
    const json &value = at(key);
    if (value.is_null()) return fallback;
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() <= 0)
      refuse(key, "a number above 0");
    return value.get<double>();
  }
  bool truth(const char *key, bool fallback) const {
    const json &value = at(key);
    if (value.is_null()) return fallback;
    if (!value.is_boolean()) refuse(key, "true or false");
    return value.get<bool>();
  }
  /// Only one value is supported, and it is what HF takes where the setting is absent.
  void only(const char *key, const json &value) const {
    if (!at(key).is_null() && at(key) != value) refuse(key, value.dump());
  }
  Activation activation(const char *key, Activation fallback) const {
    static constexpr struct {
      const char *name;
      Activation activation;
    } kRows[] = {{"gelu", Activation::kGelu},
                 {"gelu_pytorch_tanh", Activation::kGeluTanh},
                 {"silu", Activation::kSilu},
                 {"quick_gelu", Activation::kQuickGelu}};
    const json &value = at(key);
    if (value.is_null()) return fallback;
    for (const auto &row : kRows)
      if (value == row.name) return row.activation;
    refuse(key, "gelu, gelu_pytorch_tanh, silu or quick_gelu");
  }
};

}  // namespace vtok
