// Fills the tables of kernels.h; the only place that knows which implementations were built.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernels/kernels.h"

#include "kernels/device.h"
#include "kernels/fast.h"
#include "kernels/reference.h"

namespace vtok {

const Kernels &plain() {
  static const Kernels table{.name = "plain",
                             .preprocess = reference::preprocess,
                             .change = reference::change,
                             .histogram = reference::histogram,
                             .norms = reference::norms,
                             .similarity = reference::similarity,
                             .components = reference::components,
                             .tree = reference::tree,
                             .nearest = reference::nearest,
                             .means = reference::means,
                             .convert = reference::convert,
                             .quantize = reference::quantize,
                             .matvec = reference::matvec,
                             .attention = reference::attention};
  return table;
}

const Kernels &cpu() {
  static const Kernels table = [] {
    Kernels t = plain();
    t.name = "cpu";
    t.preprocess = fast::preprocess;
    t.norms = fast::norms;
    t.similarity = fast::similarity;
    t.components = fast::components;
    t.tree = fast::tree;
    t.nearest = fast::nearest;
    t.means = fast::means;
    t.quantize = fast::quantize;
    t.matvec = fast::matvec;
    t.attention = fast::attention;
    return t;
  }();
  return table;
}

const Kernels *cuda() {
  Device *first = cuda_device(0);
  return first ? &first->kernels() : nullptr;
}

}  // namespace vtok
