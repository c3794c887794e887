// Bounds how deep the interpreter is in itself, so that no template can exhaust the stack.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include "models/template/interpreter.h"

namespace vtok::jinja {

struct Interpreter::Level {
  int &depth;
  explicit Level(int &d) : depth(d) {
    if (depth >= 1200) throw Problem("nests too deep");  // at most a few MB of stack
    ++depth;
  }
  ~Level() { --depth; }
};

}  // namespace vtok::jinja
