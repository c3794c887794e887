// The kernel contract: one args struct and one function pointer per kernel, with its formula and shapes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace vtok {

struct Stream;  // a queue of work on a device; null on the CPU

struct Kernels {
  const char *name;  // "plain", "cpu", "cuda"
};

const Kernels &plain();  // plain C++: defines what is correct
const Kernels &cpu();    // plain() overridden by what this CPU does faster
const Kernels *cuda();   // null where no GPU is usable; a null entry means: use cpu()

}  // namespace vtok
