// The main of all test programs that need none of their own.
// SPDX-License-Identifier: LGPL-2.1-or-later
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

int main(int argc, char **argv) { return Catch::Session().run(argc, argv); }
