// Rows of filters: each file of filters/ has its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <span>

#include "models/template/builtins.h"

namespace vtok::jinja {

struct FilterRow {
  const char *name;
  Value (*filter)(const Value &value, Arguments &arguments, Budget &budget);
};
std::span<const FilterRow> list_filters();
std::span<const FilterRow> number_filters();
std::span<const FilterRow> text_filters();

}  // namespace vtok::jinja
