// Turns at the processors: models compute one after another, on one thread that calls all others.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <type_traits>

#include "kernels/threads.h"

namespace vtok {

/// Runs task(context, 0) on the one thread from which models compute, after what was asked for before it, and
/// returns when it is done; what it throws is passed on. Inside a turn it runs at once. Models that compute
/// side by side have more threads than there are processors, and every parallel loop of one waits until the
/// other lets its last thread run.
void take_turn(Task task, void *context);

/// Inside a turn that takes long: those who wait meanwhile have theirs. Nothing elsewhere.
void yield_turn();

/// take_turn() for a callable f().
template <class F>
void in_turn(F &&f) {
  using Callable = std::remove_reference_t<F>;
  take_turn([](void *context, int) { (*static_cast<Callable *>(context))(); },
            const_cast<void *>(static_cast<const void *>(&f)));
}

}  // namespace vtok
