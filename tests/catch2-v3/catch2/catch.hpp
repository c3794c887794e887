// Lets the tests, written for Catch2 2, build with Catch2 3: in the include path where only that is installed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <catch2/catch_all.hpp>

#include <string>

namespace Catch {

inline auto Contains(const std::string &text) { return Matchers::ContainsSubstring(text); }
using Matchers::EndsWith;
using Matchers::Equals;
using Matchers::StartsWith;

}  // namespace Catch
