// The blind baseline: the shipped model (or the named one) answers questions without any video.
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   quality-blind [MODEL] <QUESTIONS      one a line; answers on standard output, one a line
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "models/checkpoint.h"
#include "models/llm.h"

int main(int argc, char **argv) try {
  const auto checkpoint = vtok::open_checkpoint(argc > 1 ? argv[1] : "tiny");
  const auto llm = vtok::llm_backends()[0].make(
      {.checkpoint = checkpoint, .placement = vtok::resolve_placement("cpu", vtok::DType::kAuto)}, {});
  for (std::string line; std::getline(std::cin, line);) {
    vtok::Request request;
    request.question = line;
    std::printf("%s\n", llm->ask(request, [](const std::string &) {}).text.c_str());
  }
} catch (const std::exception &e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
