// A module as a release of another version would install it: it knows no version that the tests ask for.
// SPDX-License-Identifier: LGPL-2.1-or-later
extern "C" __attribute__((visibility("default"))) void *vtok_torch_engine(int) { return nullptr; }
